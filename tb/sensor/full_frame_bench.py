"""Two 4K frames, one behind the other: the picture leaves while the network runs, and changes nothing in the record."""

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus import networks
from ocellus.configurations import configuration
from ocellus.decoder import decode, frames
from ocellus.formats import Mode
from ocellus.records import EMPTY_BYTES
from ocellus.settings import UHD, Window
from ocellus_hdl.sensor import BUSY
from ocellus_sim.cosim.streams import Watch
from ocellus_sim.golden import sensor as golden
from ocellus_sim.golden.sensor import SensorSettings
from ocellus_sim.scenes import isp_settings, render
from tb.sensor.chip import Chip, assert_equal, check_packets, from_array, records_of, timing_of

COUNT = 2
CAPACITY = 1 << 23
SEED = 40
WORDS_PER_LINE = 603

seen_in_metadata_mode: list[bytes] = []
"""The first test's records: the second one, in the same process, must see them again."""


def exposed(dut, mode: Mode) -> tuple[Chip, Watch, NDArray[np.uint16], list[bytes]]:
    """The sensor after two frames, who was busy when, what was shown to it, and the records that reached the link."""
    file = networks.default()
    window = Window(0, 0, UHD.width, UHD.height)
    settings = SensorSettings(
        file.tensor_settings(window), file.metadata_settings(UHD, window), UHD, from_array(live=True), isp_settings()
    )
    chip = Chip(dut, settings, file.network, mode, seed=SEED, size=configuration("ecp5"), capacity=CAPACITY)
    busy = chip.bench.watch("o_busy")
    chip.set_up()
    chip.load()
    pictures = np.stack([render(SEED + n, UHD).raw for n in range(COUNT)])
    chip.expose(pictures, COUNT)
    records = records_of(chip.taps["record"].take())
    assert len(records) == COUNT
    for n, (picture, record) in enumerate(zip(pictures, records, strict=True)):
        ticket, clocks, spent = timing_of(record)
        assert (ticket["frame_counter"], ticket["lines_lost"], ticket["frames_skipped"]) == (n, 0, 0)
        want = golden.run(picture, settings, file.network, ticket, clocks, spent)
        assert_equal(f"frame {n}, record", want.record, record, ("byte",))
        assert len(record) > EMPTY_BYTES, f"frame {n} shows no object: the test shows nothing"
    return chip, busy, pictures, records


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_metadata_mode_sends_records_alone(dut):
    chip, _, _, records = exposed(dut, Mode.METADATA)
    check_packets(chip, Mode.METADATA, [], [], records)
    seen_in_metadata_mode.extend(records)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_the_picture_leaves_while_the_network_runs(dut):
    chip, busy, pictures, records = exposed(dut, Mode.IMAGE_AND_METADATA)
    packets = check_packets(chip, Mode.IMAGE_AND_METADATA, list(pictures), range(COUNT), records)
    stamps = chip.out.cycles()
    decoded, lines, _ = decode(b"".join(packets))
    assert len(decoded) == COUNT
    for n, picture in enumerate(frames(lines, UHD.height)):
        assert_equal(f"frame {n}, image", pictures[n], picture.raw, ("row", "column"))

    assert records == seen_in_metadata_mode, "the record depends on the mode"

    clocks, states = np.array(busy.changes(), np.uint64).T
    running = np.flatnonzero([BUSY.from_bits(int(s)).cnn for s in states])
    during = sum(
        np.count_nonzero((stamps >= a) & (stamps < b))
        for a, b in zip(clocks[running], clocks[running + 1], strict=True)
    )
    print(f"{during:,} link words left while the network ran")
    assert during > 100 * WORDS_PER_LINE
