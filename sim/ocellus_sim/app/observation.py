"""What the taps saw of one frame, as the arrays that the golden model speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus import formats
from ocellus.compiler.engine.image import Program
from ocellus.layouts import Layout
from ocellus_sim.verify.tap import Tapped

BUSY_STAGES = ("readout", "isp", "tensor", "cnn", "metadata", "link")


@dataclass(frozen=True, eq=False)
class Observation:
    """One frame as the gateware had it; flat arrays in the order of the stream, since their length may be wrong too.

    Attributes
    ----------
    raw : uint16 (n,), four pixels a beat
    rgb : uint8 (n, 3)
    ends : dict of str to bool (n,)
        ``last_in_line`` and ``last_in_frame`` of the raw and rgb beats, ``last`` of tensor and output.
    stamps : dict of str to uint64 (beats,)
        The clock of each beat of each tap, and of the link as ``out``.
    layer_words : uint64 (beats, words)
        The beats of all layers as they came.
    layers : dict of int to int8
        Each layer's results by its number: (rows, columns, channels of all groups). Empty when they cannot be put
        together: then ``trouble`` says why.
    busy : list of (clock, value)
        Changes of the busy flags.
    clocks : (int, int)
        From the moment that readout was enabled to the last handshake.
    """

    raw: NDArray[np.uint16]
    rgb: NDArray[np.uint8]
    tensor: NDArray[np.int8]
    layers: dict[int, NDArray[np.int8]]
    trouble: str | None
    output: NDArray[np.int8]
    record: bytes
    link: bytes
    packet_ends: NDArray[np.bool_]
    ends: dict[str, NDArray[np.bool_]]
    stamps: dict[str, NDArray[np.uint64]]
    layer_words: NDArray[np.uint64]
    busy: list[tuple[int, int]]
    clocks: tuple[int, int]

    @property
    def raw_clocks(self) -> tuple[int, int]:
        """Clocks of the first and the last beat that left readout."""
        return int(self.stamps["raw"][0]), int(self.stamps["raw"][-1])


def observe(seen: Mapping[str, NDArray[np.uint64]], program: Program) -> Observation:
    """Words of the taps, taken apart."""
    raw, rgb = seen["raw"], seen["rgb"]
    layers, trouble = _layers(seen["layer"], program)
    return Observation(
        raw=_pixels(raw),
        rgb=np.stack([(rgb >> np.uint64(at)).astype(np.uint8) for at in (0, 8, 16)], axis=-1),
        tensor=seen["tensor"].astype(np.uint8).view(np.int8),
        layers=layers,
        trouble=trouble,
        output=seen["output"].astype(np.uint8).view(np.int8),
        record=seen["record"].reshape(-1, 2)[:, 0].astype("<u8").tobytes(),
        link=seen["out"].reshape(-1, 2)[:, 0].astype("<u8").tobytes(),
        packet_ends=seen["out"].reshape(-1, 2)[:, 1] != 0,
        ends={
            "raw line": _bit(formats.RAW_BEAT, "last_in_line", raw),
            "raw frame": _bit(formats.RAW_BEAT, "last_in_frame", raw),
            "rgb line": _bit(formats.RGB_PIXEL, "last_in_line", rgb),
            "rgb frame": _bit(formats.RGB_PIXEL, "last_in_frame", rgb),
            "tensor": _bit(formats.TENSOR_BYTE, "last", seen["tensor"]),
            "output": _bit(formats.TENSOR_BYTE, "last", seen["output"]),
        },
        stamps={name.removesuffix(" clocks"): clocks for name, clocks in seen.items() if name.endswith(" clocks")},
        layer_words=seen["layer"],
        busy=[(int(clock), int(value)) for clock, value in seen["busy"]],
        clocks=_pair(seen["clocks"]),
    )


def _pair(values: NDArray[Any]) -> tuple[int, int]:
    return int(values[0]), int(values[1])


def _bit(layout: Layout, name: str, words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    at = 0
    for field in layout.fields:
        if field.name == name:
            break
        at += field.bits * field.count
    return (words >> np.uint64(at) & np.uint64(1)).astype(np.bool_)


def _pixels(words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    levels = np.empty((len(words), formats.PIXELS_PER_CLOCK), np.uint16)
    for at in range(formats.PIXELS_PER_CLOCK):
        levels[:, at] = words >> np.uint64(at * formats.RAW_BITS) & np.uint64((1 << formats.RAW_BITS) - 1)
    return levels.ravel()


def _layers(words: NDArray[np.uint64], program: Program) -> tuple[dict[int, NDArray[np.int8]], str | None]:
    """Each layer's results by its number, and what is wrong with the places and numbers of what was written."""
    try:
        return Tapped(program.configuration, words).layers(program), None
    except AssertionError as error:
        return {}, str(error)


def spans(busy: list[tuple[int, int]], clocks: tuple[int, int]) -> dict[str, list[tuple[int, int]]]:
    """Stretches of clocks in which each stage was busy, and those of each layer as ``layer 0`` and so on."""
    found: dict[str, list[tuple[int, int]]] = {}
    begin, end = clocks
    edges = [(max(clock, begin), value) for clock, value in busy if clock < end]
    for (clock, value), (until, _) in zip(edges, [*edges[1:], (end, 0)], strict=True):
        names = [name for bit, name in enumerate(BUSY_STAGES) if value >> bit & 1]
        if value >> BUSY_STAGES.index("cnn") & 1:
            names.append(f"layer {value >> len(BUSY_STAGES)}")
        for name in names if until > clock else ():
            stretch = found.setdefault(name, [])
            if stretch and stretch[-1][1] == clock:
                stretch[-1] = (stretch[-1][0], until)
            else:
                stretch.append((clock, until))
    return found
