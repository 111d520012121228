"""Whole frames as stream words and back, and the stalls that every stage is tested with."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.formats import RAW_BEAT, RAW_WORD, RGB_PIXEL, TENSOR_BYTE, TICKET
from ocellus.layouts import Layout
from ocellus_sim.compare import difference
from ocellus_sim.cosim import Stall
from ocellus_sim.cosim.streams import Sink
from ocellus_sim.crop import save_crop

Words = NDArray[np.uint64]

STALLS = {"none": (0.0, 0.0), "in": (0.4, 0.0), "out": (0.0, 0.4), "both": (0.3, 0.5)}
"""Probability of a stalled clock at the input and at the output."""
HEAVY = {"heavy": (0.0, 0.85)}


def stalls(kind: str, seed: int) -> tuple[Stall, Stall]:
    """The input's and the output's stalls."""
    stall_in, stall_out = (STALLS | HEAVY)[kind]
    return Stall(stall_in, seed=seed), Stall(stall_out, seed=seed + 1)


def assert_same(stage: str, want: NDArray[Any], got: NDArray[Any], axes: Sequence[str]) -> None:
    """Fail with the first difference, and leave a picture of it in the run's folder."""
    found = difference(stage, want, got, axes)
    if found is not None:
        if folder := os.environ.get("OCELLUS_RUN"):
            save_crop(Path(folder) / "crop.png", found)
        raise AssertionError(found.message)


def packed(layout: Layout, columns: Mapping[str, Any]) -> Words:
    """Words of a layout of up to 64 bits, from one array a field; an array field takes shape (n, count)."""
    word: Any = np.uint64(0)
    at = 0
    for field in layout.fields:
        values = np.asarray(columns[field.name], np.int64).astype(np.uint64) & np.uint64((1 << field.bits) - 1)
        for index in range(field.count):
            word = word | ((values[..., index] if field.count > 1 else values) << np.uint64(at))
            at += field.bits
    return np.atleast_1d(word)


def unpacked(layout: Layout, words: Words) -> dict[str, NDArray[np.int64]]:
    """The inverse of :func:`packed`."""
    columns = {}
    at = 0
    for field in layout.fields:
        items = []
        for _ in range(field.count):
            values = ((words >> np.uint64(at)) & np.uint64((1 << field.bits) - 1)).astype(np.int64)
            items.append(values - ((values >> field.bits - 1) << field.bits) if field.signed else values)
            at += field.bits
        columns[field.name] = np.stack(items, axis=-1) if field.count > 1 else items[0]
    return columns


def ends(frames: int, height: int, width: int) -> dict[str, NDArray[np.int64]]:
    """``last_in_line`` and ``last_in_frame`` of every beat of some frames of ``height`` lines of ``width`` beats."""
    line, frame = np.zeros((2, frames, height, width), np.int64)
    line[..., -1] = 1
    frame[:, -1, -1] = 1
    return {"last_in_line": line.ravel(), "last_in_frame": frame.ravel()}


def raw_words(raw: NDArray[Any]) -> Words:
    """Frames (n, H, W) as the pixel array delivers them."""
    return packed(RAW_WORD, {"pixel": raw.reshape(-1, 4)})


def raw_beats(raw: NDArray[Any]) -> Words:
    """Frames (n, H, W) as readout hands them on."""
    n, height, width = raw.shape
    return packed(RAW_BEAT, {"pixel": raw.reshape(-1, 4)} | ends(n, height, width // 4))


def rgb_words(rgb: NDArray[Any]) -> Words:
    """Pictures (n, H, W, 3) as the isp hands them on."""
    n, height, width, _ = rgb.shape
    red, green, blue = rgb.reshape(-1, 3).T
    return packed(RGB_PIXEL, {"red": red, "green": green, "blue": blue} | ends(n, height, width))


def tensor_words(tensors: NDArray[Any]) -> Words:
    """Tensors (n, H, W, C) as the tensor stage hands them on."""
    last = np.zeros((len(tensors), tensors[0].size), np.int64)
    last[:, -1] = 1
    return packed(TENSOR_BYTE, {"value": tensors.ravel(), "last": last.ravel()})


def ticket_words(tickets: Sequence[Mapping[str, int]]) -> Words:
    """Tickets as words of the stream."""
    return np.array([TICKET.words(ticket, bits=64) for ticket in tickets], np.uint64).reshape(-1, 3)


def tickets_of(sink: Sink) -> list[dict[str, int]]:
    """The tickets that have arrived since the last look."""
    return [TICKET.unpack(sum(int(word) << 64 * at for at, word in enumerate(row))) for row in sink.take()]


def gamma_writes(tables: tuple[tuple[int, ...], ...]) -> Words:
    """The words of ``i_gamma`` that fill the tables."""
    channel, index = np.divmod(np.arange(3 * 1024, dtype=np.uint64), np.uint64(1024))
    return channel | index << np.uint64(2) | np.array(tables, np.uint64).ravel() << np.uint64(12)
