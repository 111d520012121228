"""Counts what was compared, where it differs, and keeps the first difference in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.work import WEIGHTED
from ocellus.compiler.graph import Kind, Network, Tensor

_PAIRS = (Kind.ADD, Kind.SUB, Kind.MUL)

Results = Mapping[int, NDArray[np.int8]]
"""Rows, columns, channels by the layer's number."""


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


def compare_layers(
    found: Comparison, source: str, network: Network, host: Mapping[str, Any], layers: Results, first_pass: Results,
    want: Mapping[str, NDArray[np.int8]],
) -> None:  # fmt: skip
    """What the accelerator made of an input with what the oracle has there.

    ``host`` is the image's host part, ``layers`` and ``first_pass`` are results with the channels of whole groups.
    Where two operators are fused and the result of the first one leaves the requantiser, that is compared as well.
    Channels that the compiler took out are nowhere; those that it left with arbitrary values are passed over.
    """
    for number, told in enumerate(host["layers"]):
        between = _between(network, told) if number in first_pass else None
        for name, values in ((told["tensor"], layers[number]), (between, first_pass.get(number))):
            if name is not None and name in want and values is not None:
                part = part_of(network.tensors[name], told, host.get("channels", {}).get(name))
                expected, got = part.of_tensor(want[name]), part.of_layer(values)
                found.add(number, source, network.tensors[name], expected, got, part.places)


@dataclass(frozen=True)
class Part:
    """Which part of a tensor a layer is; ``places`` (rows, columns, channels) is None where it is the whole of it."""

    shape: tuple[int, int, int]
    picture: tuple[int, int, int]
    columns: NDArray[np.int64]
    places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None

    def of_layer(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Of the layer's results, those channels that count."""
        return values[:, :, self.columns]

    def of_tensor(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """What the layer should have made."""
        return values.reshape(self.shape) if self.places is None else values.reshape(self.picture)[np.ix_(*self.places)]


def part_of(tensor: Tensor, told: Mapping[str, Any], channels: Mapping[str, list[int]] | None) -> Part:
    """What of ``tensor`` the layer makes that an image tells of as ``told``; ``channels`` says which are left."""
    rows, columns, count = told["shape"]
    if channels is None and tensor.size == rows * columns * count:
        return Part((rows, columns, count), tensor.picture, np.arange(count), None)
    top, left, first = told["origin"]
    down, right = told["row_column_step"]
    kept = np.arange(tensor.picture[2]) if channels is None else np.array(channels["kept"])
    arbitrary = set() if channels is None else set(channels["arbitrary"])
    own = np.array([n for n in range(count) if first + n not in arbitrary], np.int64)
    places = (top + down * np.arange(rows), left + right * np.arange(columns), kept[first + own])
    return Part((rows, columns, count), tensor.picture, own, places)


def _between(network: Network, told: Mapping[str, Any]) -> str | None:
    """The tensor in front of a pair or table that is fused behind weights, when it is one of the network's."""
    kinds, outputs = told["kinds"], {o.number: o.output for o in network.operators}
    if kinds[0] not in WEIGHTED or told["tensor"] is None:
        return None
    pair = next((n for n, kind in enumerate(kinds) if kind in _PAIRS), 0)
    at = pair if pair else 1 if len(kinds) == 2 else 0
    return outputs.get(told["operators"][at - 1]) if at else None
