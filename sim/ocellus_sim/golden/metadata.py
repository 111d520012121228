"""From the network's output tensor and the frame's ticket to the record; docs/metadata.md is the specification."""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocellus import formats
from ocellus.errors import BadInput
from ocellus.formats import Head, RecordFlag
from ocellus.settings import MetadataSettings


class Peak(NamedTuple):
    """A place of the heat map where a class stands out."""

    row: int
    column: int
    class_index: int


def record(
    ticket: Mapping[str, int],
    tensor: NDArray[np.int8],
    network_id: int,
    inference_clocks: int,
    spent: Mapping[str, int],
    settings: MetadataSettings,
) -> bytes:
    """Build the record of one frame.

    Parameters
    ----------
    ticket : mapping
        The fields of ``TICKET``.
    tensor : int8
        The network's output: any shape for a vector, ``grid_h * grid_w * (classes + 4)`` values for a heat map.
    network_id, inference_clocks : int
    spent : mapping
        The fields of ``CNN_SPENT``.
    settings : MetadataSettings

    Returns
    -------
    bytes
        64 + 16n of them, header to trailer.

    Raises
    ------
    BadInput
        When the tensor has not the size that the settings ask for.
    """
    if settings.head == Head.VECTOR:
        objects = vector_objects(tensor, settings)
        overflow = False
    else:
        found = peaks(tensor, settings)
        objects = [_located(tensor, peak, settings) for peak in found[: formats.MAX_OBJECTS]]
        overflow = len(found) > formats.MAX_OBJECTS

    flags = RecordFlag(0)
    for flag, applies in (
        (RecordFlag.OBJECTS_OVERFLOW, overflow),
        (RecordFlag.LINES_LOST, ticket["lines_lost"] != 0),
        (RecordFlag.FRAMES_SKIPPED, ticket["frames_skipped"] != 0),
        (RecordFlag.TEST_PATTERN, ticket["test_pattern"] != 0),
        (RecordFlag.VECTOR, settings.head == Head.VECTOR),
    ):
        if applies:
            flags |= flag

    header = {
        "magic": formats.RECORD_MAGIC,
        "version": formats.RECORD_VERSION,
        "flags": flags,
        "object_count": len(objects),
        "length": 64 + 16 * len(objects),
        "frame_counter": ticket["frame_counter"],
        "timestamp": ticket["timestamp"],
        "network_id": network_id,
        "readout_clocks": ticket["readout_clocks"],
        "inference_clocks": inference_clocks,
        "lines_lost": ticket["lines_lost"],
        "frames_skipped": ticket["frames_skipped"],
        "clocks_busy": spent["busy"],
        "clocks_weights": spent["weights"],
        "clocks_requantiser": spent["requantiser"],
        "clocks_input": spent["input"],
    }
    body = formats.RECORD_HEADER.pack(header).to_bytes(56, "little")
    body += b"".join(formats.OBJECT.pack(o).to_bytes(16, "little") for o in objects)
    trailer = {"crc": zlib.crc32(body), "end": formats.RECORD_END}
    return body + formats.RECORD_TRAILER.pack(trailer).to_bytes(8, "little")


def vector_objects(tensor: NDArray[np.int8], settings: MetadataSettings) -> list[dict[str, int]]:
    """The ``top_k`` largest values, largest first, equal ones in order of their index, all placed at the window."""
    if not 1 <= settings.top_k <= formats.MAX_TOP_K:
        raise BadInput(f"top-k: found {settings.top_k}, allowed 1 to {formats.MAX_TOP_K}")
    scores = tensor.reshape(-1).astype(np.int64)
    order = np.argsort(-scores, kind="stable")[: settings.top_k]
    place = {
        "centre_x": settings.origin_x + settings.window_w // 2,
        "centre_y": settings.origin_y + settings.window_h // 2,
        "left": settings.origin_x,
        "top": settings.origin_y,
        "width": settings.window_w,
        "height": settings.window_h,
    }
    return [{"class_index": int(index), "score": int(scores[index]), **place} for index in order]


def peaks(tensor: NDArray[np.int8], settings: MetadataSettings) -> list[Peak]:
    """Every peak of the heat map in row, column, class order, more than a record holds included."""
    scores = _cells(tensor, settings)[:, :, : settings.classes]
    rows, columns, _ = scores.shape
    outside = -1000  # below every int8, so a neighbour outside the grid is never in the way
    padded = np.pad(scores, ((1, 1), (1, 1), (0, 0)), constant_values=outside)

    def neighbour(dy: int, dx: int) -> NDArray[np.int64]:
        return padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]

    is_peak = scores >= settings.threshold
    for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
        is_peak &= scores > neighbour(dy, dx)
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        is_peak &= scores >= neighbour(dy, dx)
    return [Peak(*map(int, place)) for place in np.argwhere(is_peak)]


def _cells(tensor: NDArray[np.int8], settings: MetadataSettings) -> NDArray[np.int64]:
    shape = (settings.grid_h, settings.grid_w, settings.classes + 4)
    if tensor.size != shape[0] * shape[1] * shape[2]:
        raise BadInput(f"heat map: found a tensor of {tensor.shape}, allowed {shape[0]}x{shape[1]}x{shape[2]} values")
    return tensor.reshape(shape).astype(np.int64)


def _located(tensor: NDArray[np.int8], peak: Peak, s: MetadataSettings) -> dict[str, int]:
    """The object at a peak: centre, box, class and score in full-frame pixels."""
    cell = [int(v) for v in _cells(tensor, s)[peak.row, peak.column]]
    dx, dy, w, h = (value - s.zero_point for value in cell[s.classes :])
    centre_x, left, right = _extent(s.origin_x, peak.column, s.half_cell_x, s.step_x, dx, w, s.frame_w)
    centre_y, top, bottom = _extent(s.origin_y, peak.row, s.half_cell_y, s.step_y, dy, h, s.frame_h)
    return {
        "class_index": peak.class_index,
        "score": cell[peak.class_index],
        "centre_x": centre_x,
        "centre_y": centre_y,
        "left": left,
        "top": top,
        "width": right - left,
        "height": bottom - top,
    }


def _extent(
    origin: int, cell: int, half_cell: int, step: int, shift: int, size: int, frame: int
) -> tuple[int, int, int]:
    """Centre and both edges along one axis; inside, lengths have 8 fraction bits."""
    middle = (origin << 8) + (2 * cell + 1) * half_cell + shift * step
    half = max(size, 0) * step >> 1

    def pixel(place: int) -> int:
        return min(max((place + 128) >> 8, 0), frame - 1)

    return pixel(middle), pixel(middle - half), pixel(middle + half)
