"""A network that is loaded while frames go through the sensor: what it costs, and that tickets keep to their frames."""

import cocotb

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus.formats import CNN_LOAD, Mode
from ocellus.records import parse_record
from ocellus_sim.golden import readout as golden_readout
from ocellus_sim.golden import sensor as golden
from tb.sensor.chip import CONFIGURATION, QUIET, Chip, assert_equal, records_of, timing_of
from tb.sensor.networks import heatmap_network
from tb.sensor.sensor_bench import settings_of
from tb.sensor.sizes import FRAME

COUNT = 6
EIGHTHS = range(12)
FIRST, SECOND = heatmap_network(6), heatmap_network(8)


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(eighth=EIGHTHS)
async def a_network_loaded_amid_a_frame_costs_that_frame_and_no_other(dut, eighth: int):
    """At moments of a frame in eighths of its lines, from where they begin on."""
    chip = Chip(dut, settings_of(FRAME, live=False), FIRST, Mode.METADATA, seed=80 + eighth)
    chip.set_up()
    chip.load()
    frames = chip.frames(COUNT)
    chip.array.send(golden_readout.beats(frames))
    chip.write(chip.settings.readout.writes())
    chip.bench.run(FRAME.clocks_per_frame + eighth * FRAME.height * FRAME.clocks_per_line // 8)
    chip.write((CNN_LOAD, int(word)) for word in compile_network(SECOND, CONFIGURATION, goal=Goal.LATENCY).words())
    assert chip.bench.run(100 * COUNT * FRAME.clocks_per_frame, idle=QUIET) == "idle", "the sensor never rests"
    networks = {network.identity: network for network in (FIRST, SECOND)}
    seen = []
    for record in records_of(chip.taps["record"].take()):
        ticket, clocks, spent = timing_of(record)
        network = networks[parse_record(record).network_id]
        want = golden.run(frames[ticket["frame_counter"]], chip.settings, network, ticket, clocks, spent)
        assert_equal(f"frame {ticket['frame_counter']}, record", want.record, record, ("byte",))
        seen.append((ticket["frame_counter"], ticket["frames_skipped"], network is SECOND))
    print(seen)
    before = -1
    for counter, skipped, _ in seen:
        assert counter == before + 1 + skipped, seen
        before = counter
    assert before == COUNT - 1, seen
    assert len(seen) >= COUNT - 1, "a load costs the frame that has begun, and no other"
    assert [second for _, _, second in seen] == sorted(second for _, _, second in seen)
    assert not seen[0][2]
    assert seen[-1][2]
