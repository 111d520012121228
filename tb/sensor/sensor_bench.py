"""The whole path: small frames from the array to the link's bytes, every stage compared with the golden chain."""

from dataclasses import replace

import cocotb
import numpy as np

from ocellus import formats
from ocellus.decoder import decode
from ocellus.formats import Mode, Pattern, RecordFlag
from ocellus.records import EMPTY_BYTES
from ocellus.settings import FrameFormat, IspSettings, MetadataSettings, ReadoutSettings, TensorSettings, Window
from ocellus_sim.golden import sensor as golden
from ocellus_sim.golden.sensor import SensorSettings
from tb.sensor.chip import (
    Chip,
    assert_equal,
    check_packets,
    check_stages,
    from_array,
    raw_frames,
    records_of,
    timing_of,
)
from tb.sensor.networks import CLASSES, GRID, INPUT, MAPPED, heatmap_network, vector_network
from tb.sensor.sizes import FRAME

WINDOW = Window(6, 4, 84, 56)
ISP = IspSettings(
    black=(60, 64, 66, 70), gain=(300, 256, 256, 420), matrix=(300, -30, -14, -20, 290, -14, -4, -60, 320)
)


def settings_of(frame: FrameFormat, live: bool, vector: bool = False) -> SensorSettings:
    """Settings of every stage for the small networks."""
    metadata = (
        MetadataSettings.vector(frame, WINDOW, 5)
        if vector
        else MetadataSettings.heatmap(
            frame, WINDOW, GRID, CLASSES, threshold=10, scale=float(MAPPED.scales[0]), zero_point=MAPPED.zero_point
        )
    )
    tensor = TensorSettings.scaled(WINDOW, INPUT, 1 / 255, -128)
    return SensorSettings(tensor, metadata, frame, from_array(live), ISP)


STALLS = {"no stalls": (0.0, 0.0), "stalls in": (0.4, 0.0), "stalls out": (0.0, 0.6), "stalls both": (0.3, 0.7)}


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(mode=[0, 1, 2, 3], stalls=list(STALLS))
async def test_nothing_is_lost_while_the_array_can_wait(dut, mode: int, stalls: str):
    chip = Chip(dut, settings_of(FRAME, live=False), heatmap_network(6), mode, *STALLS[stalls], seed=10 + mode)
    chip.set_up()
    chip.load()
    frames = chip.frames(3)
    chip.expose(frames, 3)
    passages = check_stages(chip, list(frames), [0, 1, 2])
    records = [p.record for p in passages]
    packets = check_packets(chip, mode, list(frames), [0, 1, 2], records)
    assert any(len(record) > EMPTY_BYTES for record in records), "no frame shows an object: the test shows nothing"
    for record in records:
        ticket, clocks, _ = timing_of(record)
        assert ticket["lines_lost"] == 0
        assert ticket["frames_skipped"] == 0
        assert clocks > 0

    decoded, lines, decoder = decode(b"".join(packets))
    assert decoder.damaged_packets == decoder.refused_packets == decoder.skipped_bytes == 0
    assert len(decoded) == (3 if mode != Mode.IMAGE else 0)
    assert len(lines) == (3 * FRAME.height if mode in (Mode.IMAGE, Mode.IMAGE_AND_METADATA) else 0)


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(mode=[0, 2])
async def test_live_readout_keeps_up_with_a_free_link(dut, mode: int):
    chip = Chip(dut, settings_of(FRAME, live=True), heatmap_network(2), mode, seed=20)
    chip.set_up()
    chip.load()
    frames = chip.frames(3)
    chip.expose(frames, 3)
    records = [p.record for p in check_stages(chip, list(frames), [0, 1, 2])]
    check_packets(chip, mode, list(frames), [0, 1, 2], records)
    tickets = [timing_of(record)[0] for record in records]
    assert [t["lines_lost"] for t in tickets] == [0, 0, 0]
    assert [t["frames_skipped"] for t in tickets] == [0, 0, 0]
    assert np.diff([t["timestamp"] for t in tickets]).tolist() == [FRAME.clocks_per_frame] * 2
    active = (FRAME.height - 1) * FRAME.clocks_per_line + FRAME.words_per_line
    for ticket in tickets:
        assert active <= ticket["readout_clocks"] < active + 20


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_live_readout_counts_and_flags_the_lines_that_a_stalled_link_costs(dut):
    """Every line is there whole or lost whole; each loss is in the frame's record."""
    chip = Chip(dut, settings_of(FRAME, live=True), heatmap_network(3), Mode.IMAGE_AND_METADATA, 0.0, 0.93, seed=30)
    chip.set_up()
    chip.load()
    count = 5
    frames = chip.frames(count)
    chip.expose(frames, count)

    left = raw_frames(chip.taps["raw"].take(), FRAME.width, FRAME.height)
    records = records_of(chip.taps["record"].take())
    reports = {timing_of(record)[0]["frame_counter"]: record for record in records}
    decoded, lines, decoder = decode(chip.out.take()[:, 0].astype("<u8").tobytes())
    assert decoder.damaged_packets == decoder.refused_packets == decoder.skipped_bytes == 0
    assert [d.frame_counter for d in decoded] == list(reports)
    # Only the link says which frames they are that were not dropped whole.
    counters = list(dict.fromkeys(line.frame_counter for line in lines))
    assert len(counters) == len(left)
    lost = skipped = 0
    for counter, picture in zip(counters, left, strict=True):
        is_lost = ~picture.any(axis=1)
        assert (is_lost | (picture == frames[counter]).all(axis=1)).all(), f"frame {counter}: a line is damaged"
        sent = np.array([line.pixels for line in lines if line.frame_counter == counter])
        assert_equal(f"frame {counter}, image lines", picture, sent, ("row", "column"))
        if counter in reports:
            record = reports[counter]
            ticket, clocks, spent = timing_of(record)
            assert ticket["lines_lost"] == is_lost.sum(), f"frame {counter}"
            want = golden.run(picture, chip.settings, chip.network, ticket, clocks, spent).record
            assert_equal(f"frame {counter}, record", want, record, ("byte",))
            assert bool(record[5] & RecordFlag.LINES_LOST) == bool(is_lost.any())
            assert bool(record[5] & RecordFlag.FRAMES_SKIPPED) == bool(ticket["frames_skipped"])
            lost += int(is_lost.sum())
            skipped += ticket["frames_skipped"]
    assert lost > 0, "no line was lost: the test shows nothing"
    assert skipped == count - len(records), (
        f"{skipped} frames counted as skipped, {count} begun, {len(records)} reported"
    )
    assert skipped > 0, "no frame was skipped: the test shows nothing"


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_test_patterns_and_vectors_go_the_same_way(dut):
    settings = settings_of(FRAME, live=True, vector=True)
    settings = replace(settings, readout=ReadoutSettings(True, True, Pattern.PN9))
    chip = Chip(dut, settings, vector_network(4), Mode.IMAGE_AND_METADATA, seed=40)
    chip.set_up()
    chip.load()
    chip.expose(None, 2)
    passages = check_stages(chip, [None, None], [0, 1])
    check_packets(chip, Mode.IMAGE_AND_METADATA, [p.raw for p in passages], [0, 1], [p.record for p in passages])
    for passage in passages:
        assert passage.record[5] == RecordFlag.TEST_PATTERN | RecordFlag.VECTOR
        assert passage.record[6] == 5


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_frames_before_the_network_is_loaded_are_counted_as_skipped(dut):
    chip = Chip(dut, settings_of(FRAME, live=True), heatmap_network(5), Mode.IMAGE_AND_METADATA, seed=50)
    chip.set_up()
    frames = chip.frames(4)
    chip.expose(frames[:2], 2)
    assert chip.read(formats.CNN.address("loaded")) == 0
    for tap in ("raw", "rgb"):
        assert len(chip.taps[tap].take()) > 0
    for tap in ("tensor", "layer", "output", "record"):
        assert len(chip.taps[tap].take()) == 0
    check_packets(chip, Mode.IMAGE_AND_METADATA, list(frames[:2]), [0, 1], [])

    chip.load()
    chip.expose(frames[2:], 2)
    passages = check_stages(chip, list(frames[2:]), [2, 3])
    tickets = [timing_of(p.record)[0] for p in passages]
    assert [t["frames_skipped"] for t in tickets] == [2, 0]
    assert [p.record[5] & RecordFlag.FRAMES_SKIPPED for p in passages] == [RecordFlag.FRAMES_SKIPPED, 0]


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_stages_are_busy_in_the_order_data_flows(dut):
    """What the timeline shows of one frame: when each stage began and ended."""
    chip = Chip(dut, settings_of(FRAME, live=False), heatmap_network(6), Mode.METADATA, seed=60)
    busy = chip.bench.watch("o_busy")
    chip.set_up()
    chip.load()
    chip.expose(chip.frames(1), 1)
    changes = busy.changes()
    first, last = {}, {}
    for (clock, value), (end, _) in zip(changes, [*changes[1:], (chip.bench.cycle, 0)], strict=True):
        for bit, stage in enumerate(("readout", "isp", "tensor", "cnn", "metadata", "link")):
            if value >> bit & 1:
                first.setdefault(stage, clock)
                last[stage] = end
    assert list(first) == ["readout", "isp", "tensor", "cnn", "metadata", "link"]
    assert sorted(first.values()) == list(first.values())
    assert sorted(last.values()) == list(last.values())
    layers = {value >> 6 for _, value in changes if value >> 3 & 1}
    assert layers == {0, 1, 2}
    assert len(changes) < 60, "a watcher would wake too often"
