"""The whole sensor on the gateware."""

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus.configurations import configuration
from ocellus.settings import UHD
from ocellus.start import Start
from ocellus_sim.cosim import simulate
from tb.sensor import start_bench
from tb.sensor.chip import CONFIGURATION
from tb.sensor.networks import heatmap_network
from tb.sensor.sizes import FRAME


def test_every_stage_equals_the_golden_chain():
    simulate(
        "ocellus_hdl.sensor:Sensor",
        {"frame": FRAME, "configuration": CONFIGURATION, "taps": True},
        test_module="tb.sensor.sensor_bench",
    )


def test_a_network_is_loaded_while_frames_go_through():
    simulate(
        "ocellus_hdl.sensor:Sensor",
        {"frame": FRAME, "configuration": CONFIGURATION, "taps": True},
        test_module="tb.sensor.reload_bench",
    )


def test_a_full_picture_leaves_while_the_network_runs():
    simulate(
        "ocellus_hdl.sensor:Sensor",
        {"frame": UHD, "configuration": configuration("ecp5"), "taps": True},
        test_module="tb.sensor.full_frame_bench",
    )


def test_a_sensor_senses_from_power_on():
    image = compile_network(heatmap_network(start_bench.SEED), CONFIGURATION, goal=Goal.LATENCY).to_bytes()
    settings = start_bench.settings()
    start = Start(image, settings.tensor, settings.metadata, settings.readout, settings.isp)
    simulate(
        "ocellus_hdl.sensor:Sensor",
        {"frame": FRAME, "configuration": CONFIGURATION, "taps": True, "start": start},
        test_module="tb.sensor.start_bench",
    )


def test_a_fork_hands_every_beat_to_both():
    simulate("ocellus_hdl.fork:Fork", {"shape": 16}, test_module="tb.sensor.fork_bench")
