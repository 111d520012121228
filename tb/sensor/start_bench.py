"""A sensor with a network and settings from power-on: nobody writes to it, and it senses."""

import cocotb
import numpy as np

from ocellus import formats
from ocellus.formats import Mode
from ocellus.records import EMPTY_BYTES
from ocellus_sim.golden import readout as golden_readout
from ocellus_sim.golden.sensor import SensorSettings
from tb.sensor.chip import QUIET, Chip, check_packets, check_stages
from tb.sensor.networks import heatmap_network, vector_network
from tb.sensor.sensor_bench import settings_of
from tb.sensor.sizes import FRAME

SEED = 6
"""Of the heat map's network."""
COUNT = 3


def settings() -> SensorSettings:
    """What the sensor begins with."""
    return settings_of(FRAME, live=False)


def senses(chip: Chip, frames: np.ndarray, counters: list[int]) -> None:
    """Every stage of the frames that wait at the array, and the packets, are the golden ones."""
    chip.array.send(golden_readout.beats(frames))
    reason = chip.bench.run(100 * len(frames) * FRAME.clocks_per_frame, idle=QUIET)
    assert reason == "idle", "the sensor never rests"
    passages = check_stages(chip, list(frames), counters)
    records = [p.record for p in passages]
    check_packets(chip, Mode.METADATA, [], [], records)
    assert any(len(record) > EMPTY_BYTES for record in records), "no frame shows an object: the test shows nothing"


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_sensor_that_nobody_writes_to_senses_from_power_on(dut):
    """Frames first; then what the registers say."""
    chip = Chip(dut, settings(), heatmap_network(SEED), Mode.METADATA, seed=70)
    senses(chip, chip.frames(COUNT), list(range(COUNT)))
    stages = (chip.settings.readout, chip.settings.isp, chip.settings.tensor, chip.settings.metadata)
    for stage in stages:
        block, values = stage.block, stage.values()
        for field in block.layout.fields:
            want = values[field.name] if field.count > 1 else [values[field.name]]
            got = [chip.read(block.address(field.name, n)) for n in range(field.count)]
            assert got == [int(value) & 0xFFFF_FFFF for value in want], f"{block.layout.name}.{field.name}"
    assert chip.read(formats.CNN.address("loaded")) == 1
    assert chip.read(formats.CNN.address("network_id")) == chip.network.identity


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_what_is_written_later_takes_the_place_of_the_start(dut):
    """Another network with settings of its own; and a reset brings nothing back."""
    other = settings_of(FRAME, live=False, vector=True)
    gamma = tuple(table[::-1] for table in other.isp.gamma)
    isp = type(other.isp)(black=(64,) * 4, gain=(280,) * 4, gamma=gamma)
    other = SensorSettings(other.tensor, other.metadata, FRAME, other.readout, isp)
    chip = Chip(dut, other, vector_network(4), Mode.METADATA, seed=71)
    chip.set_up()
    chip.load()
    senses(chip, chip.frames(1), [0])
    chip = Chip(dut, other, vector_network(4), Mode.METADATA, seed=72)
    senses(chip, chip.frames(1), [0])
