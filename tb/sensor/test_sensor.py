"""The whole sensor on the gateware."""

from ocellus_sim.cosim import simulate
from tb.sensor.chip import CONFIGURATION
from tb.sensor.sizes import FRAME


def test_every_stage_equals_the_golden_chain():
    simulate(
        "ocellus_hdl.sensor:Sensor",
        {"frame": FRAME, "configuration": CONFIGURATION, "taps": True},
        test_module="tb.sensor.sensor_bench",
    )


def test_a_fork_hands_every_beat_to_both():
    simulate("ocellus_hdl.fork:Fork", {"shape": 16}, test_module="tb.sensor.fork_bench")
