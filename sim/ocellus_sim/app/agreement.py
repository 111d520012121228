"""The gateware's frame against the golden sensor's: stages in the order of the data, the first difference named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ocellus import formats
from ocellus.decoder import decode, frames
from ocellus.formats import Mode, PacketType
from ocellus.program_formats import CNN_SPENT
from ocellus.records import Record
from ocellus_sim.compare import Difference, difference
from ocellus_sim.golden import link, metadata
from ocellus_sim.golden.sensor import UNTIMED, Passage
from ocellus_sim.verify.comparison import part_of

from .observation import Observation
from .plan import Plan


@dataclass(frozen=True)
class Check:
    """One comparison: ``elements`` compared, and the first difference, or nothing."""

    stage: str
    elements: int
    difference: Difference | None = None


def check_frame(plan: Plan, index: int, want: Passage, got: Observation) -> tuple[list[Check], list[Record]]:
    """Every stage of one frame, and the records that the host's decoder found in the link's bytes."""
    checks = list(_stages(plan, want, got))
    ticket, clocks, spent, trouble = _timing(plan, index, got)
    record = metadata.record(ticket, want.output, plan.file.network.identity, clocks, spent, plan.settings.metadata)
    checks.append(Check("record", len(record), trouble or difference("record", record, got.record, ("byte",))))
    checks.append(_bytes(plan, index, want, record, got))
    records, lines, decoder = decode(got.link)
    damage = decoder.damaged_packets + decoder.refused_packets + decoder.skipped_bytes
    if damage and checks[-1].difference is None:
        checks.append(
            Check("bytes", len(got.link), Difference(f"bytes: the decoder refuses or skips some of them: {decoder}"))
        )
    if plan.options.mode != Mode.METADATA:
        shown = next(frames(lines, plan.options.frame.height), None)
        pixels = np.zeros((0, 0), np.uint16) if shown is None else shown.raw
        checks.append(_equal("image", want.raw, pixels, ("row", "column")))
    return checks, records


def _equal(stage: str, want: ArrayLike, got: ArrayLike, axes: Sequence[str]) -> Check:
    return Check(stage, int(np.size(want)), difference(stage, want, got, axes))


def _shaped(stage: str, want: np.ndarray, flat: np.ndarray, axes: Sequence[str]) -> Check:
    """A picture is compared as a picture when all of it came, else as the stream that it is."""
    if flat.size == want.size:
        return _equal(stage, want, flat.reshape(want.shape), axes)
    return Check(stage, want.size, difference(stage, want.ravel(), flat.ravel(), ("element",)))


def _stages(plan: Plan, want: Passage, got: Observation) -> Iterator[Check]:
    frame = plan.options.frame
    yield _ended(_shaped("raw", want.raw, got.raw, ("row", "column")), got, "raw", frame.words_per_line, frame.height)
    yield _ended(
        _shaped("rgb", want.rgb, got.rgb, ("row", "column", "channel")), got, "rgb", frame.width // 2, frame.height // 2
    )
    yield _one_end(_shaped("tensor", want.tensor, got.tensor, ("row", "column", "channel")), got.ends["tensor"])
    for number, layer in enumerate(plan.program.host["layers"]):
        name = layer["tensor"]
        stage = f"layer {number}, {layer['op'].lower()} {name!r}"
        if number not in got.layers:
            yield Check(stage, 0, Difference(f"layer {number}: {got.trouble}"))
            continue
        part = part_of(plan.file.network.tensors[name], layer, plan.program.host.get("channels", {}).get(name))
        expected, found = part.of_tensor(want.layers[name]), part.of_layer(got.layers[number])
        yield _equal(stage, expected, found, ("row", "column", "channel"))
    yield _one_end(
        _shaped("output", want.output, got.output, ("batch", "row", "column", "channel")), got.ends["output"]
    )


def _ended(check: Check, got: Observation, stage: str, beats: int, lines: int) -> Check:
    """Line and frame ends of a picture must stand where they belong."""
    ends = np.zeros((lines, beats), np.bool_)
    ends[:, -1] = True
    last = np.zeros(lines * beats, np.bool_)
    last[-1] = True
    found = (
        check.difference
        or difference(f"{stage}: last_in_line", ends.ravel(), got.ends[f"{stage} line"], ("beat",))
        or difference(f"{stage}: last_in_frame", last, got.ends[f"{stage} frame"], ("beat",))
    )
    return Check(check.stage, check.elements, found)


def _one_end(check: Check, ends: np.ndarray) -> Check:
    last = np.zeros(check.elements, np.bool_)
    last[-1:] = True
    return Check(
        check.stage, check.elements, check.difference or difference(f"{check.stage}: last", last, ends, ("byte",))
    )


def _timing(plan: Plan, index: int, got: Observation) -> tuple[dict[str, int], int, dict[str, int], Difference | None]:
    """What depends on time as the record has it: ticket, inference clocks, what they were spent on; what is wrong."""
    size = formats.RECORD_HEADER.bits // 8
    header = formats.RECORD_HEADER.unpack(int.from_bytes(got.record[:size].ljust(size, b"\0"), "little"))
    ticket = {**{name: header[name] for name in UNTIMED if name != "test_pattern"}, "test_pattern": 0}
    spent = {f.name: header[f"clocks_{f.name}"] for f in CNN_SPENT.fields}
    return ticket, header["inference_clocks"], spent, _contradiction(plan, index, ticket, got)


def _contradiction(plan: Plan, index: int, ticket: dict[str, int], got: Observation) -> Difference | None:
    """The first number of the ticket that disagrees with the clocks at which the taps saw things."""
    if not len(got.raw):
        return Difference("record: its frame was not read out")
    first, last = got.raw_clocks
    frame = plan.options.frame
    expected = {"frame_counter": index, "lines_lost": 0, "frames_skipped": 0}
    if plan.settings.readout.live:
        active = (frame.height - 1) * frame.clocks_per_line + frame.words_per_line
        expected["readout_clocks"] = last - ticket["timestamp"] + 1
        if not active <= ticket["readout_clocks"] <= active + 64:
            return Difference(f"record: readout_clocks: want {active} to {active + 64}, got {ticket['readout_clocks']}")
    for name, value in expected.items():
        if ticket[name] != value:
            return Difference(f"record: {name}: want {value}, got {ticket[name]}")
    if not first - 64 <= ticket["timestamp"] <= first:
        return Difference(f"record: timestamp: want {first - 64} to {first}, got {ticket['timestamp']}")
    return None


def _bytes(plan: Plan, index: int, want: Passage, record: bytes, got: Observation) -> Check:
    """Every byte that left: what each packet must hold, and that none is missing or too many in this mode."""
    mode, height = plan.options.mode, plan.options.frame.height
    images = height if mode in (Mode.IMAGE, Mode.IMAGE_AND_METADATA) else 0
    records = 1 if mode in (Mode.METADATA, Mode.IMAGE_AND_METADATA) else 0
    order = [PacketType.IMAGE_LINE] * images + [PacketType.RECORD] * records
    cuts = 8 * (np.flatnonzero(got.packet_ends) + 1)
    starts = [0, *cuts[:-1].tolist()] if len(cuts) else []
    types = [got.link[start + 2] for start in starts]
    if sorted(types) != sorted(order):
        found = f"{types.count(PacketType.IMAGE_LINE)} image lines, {types.count(PacketType.RECORD)} records"
        wanted = f"{images} image lines and {records} records"
        return Check("bytes", 0, Difference(f"bytes: want {wanted}, got {found} ({len(types)})"))
    # The order of records among lines depends on time; what each packet holds does not.
    lines = link.lines([want.raw], index) if images else ()
    expected = b"".join(
        link.in_order([PacketType(t) for t in types], lines, [record] if records else [], index * len(order))
    )
    return Check("bytes", len(expected), difference("bytes", expected, got.link, ("byte",)))
