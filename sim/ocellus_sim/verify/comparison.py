"""Counts what was compared, where it differs, and keeps the first difference in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.graph import Kind, Network, Tensor

_PAIRS = (Kind.ADD, Kind.SUB, Kind.MUL)


@dataclass
class Comparison:
    """Of a run, over all its inputs.

    Attributes
    ----------
    compared, mismatches : dict
        Elements by the layer's number, or the operator's.
    first : dict or None
        The first mismatch: input, layer, tensor, row, column, channel, expected, got.
    """

    compared: dict[int, int] = field(default_factory=dict)
    mismatches: dict[int, int] = field(default_factory=dict)
    first: dict[str, Any] | None = None

    @property
    def total(self) -> int:
        """Elements compared."""
        return sum(self.compared.values())

    @property
    def wrong(self) -> int:
        """Elements that differ."""
        return sum(self.mismatches.values())

    def add(
        self, key: int, source: str, tensor: Tensor, want: NDArray[np.int8], got: NDArray[np.int8],
        places: Sequence[NDArray[np.int64]] | None = None,
    ) -> None:  # fmt: skip
        """Compare two pictures (rows, columns, channels).

        ``source`` names the input. ``places`` are the rows, columns and channels of the tensor that the picture is.
        """
        if want.shape != got.shape:
            raise ValueError(f"tensor {tensor.name}: shape {got.shape} instead of {want.shape}")
        wrong = want != got
        count = int(np.count_nonzero(wrong))
        self.compared[key] = self.compared.get(key, 0) + want.size
        self.mismatches[key] = self.mismatches.get(key, 0) + count
        if count and self.first is None:
            at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            row, column, channel = (
                int(i if p is None else p[i]) for i, p in zip(at, places or [None] * 3, strict=True)
            )
            self.first = {
                "input": source, "layer": key, "tensor": tensor.name, "row": row, "column": column,
                "channel": channel, "expected": int(want[at]), "got": int(got[at]),
            }  # fmt: skip

    def sentence(self) -> str:
        """The first mismatch for people."""
        f = self.first
        if f is None:
            return f"0 mismatches in {self.total:,} activations"
        return (
            f"{self.wrong:,} mismatches in {self.total:,} activations; the first: input {f['input']}, layer "
            f"{f['layer']}, tensor {f['tensor']!r}, row {f['row']}, column {f['column']}, channel {f['channel']}: "
            f"expected {f['expected']}, got {f['got']}"
        )


def compare_layer(
    found: Comparison, source: str, network: Network, number: int, told: Mapping[str, Any],
    values: NDArray[np.int8], first_pass: NDArray[np.int8] | None, want: Mapping[str, NDArray[np.int8]],
) -> None:  # fmt: skip
    """A layer's rows of the accelerator with what the oracle has there.

    ``told`` is the layer's entry in the image's host part, ``values`` its results with the channels of whole groups.
    Where two operators are fused and the result of the first one leaves the requantiser, that is compared as well.
    """
    _compare(found, source, network.tensors[told["tensor"]], number, told, values, want)
    between = _between(network, told)
    if first_pass is not None and between is not None:
        _compare(found, source, network.tensors[between], number, told, first_pass, want)


def _compare(
    found: Comparison, source: str, tensor: Tensor, number: int, told: Mapping[str, Any], values: NDArray[np.int8],
    want: Mapping[str, NDArray[np.int8]],
) -> None:  # fmt: skip
    if tensor.name not in want:
        return
    rows, columns, channels = told["shape"]
    top, left, first = told["origin"]
    down, right = told["row_column_step"]
    live = np.array(told.get("channels") or range(first, first + channels))
    got = values[:, :, :channels]
    expected = want[tensor.name]
    if expected.size == rows * columns * channels:
        found.add(number, source, tensor, expected.reshape(rows, columns, channels), got)
        return
    places = (top + down * np.arange(rows), left + right * np.arange(columns), live)
    found.add(number, source, tensor, expected.reshape(tensor.picture)[np.ix_(*places)], got, places)


def _between(network: Network, told: Mapping[str, Any]) -> str | None:
    """The tensor in front of a fused pair or table, when it is one of the network's."""
    kinds, outputs = told["kinds"], {o.number: o.output for o in network.operators}
    pair = next((n for n, kind in enumerate(kinds) if kind in _PAIRS), 0)
    at = pair if pair else 1 if len(kinds) == 2 else 0
    return outputs.get(told["operators"][at - 1]) if at else None
