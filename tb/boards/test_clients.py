"""The commands that users install, at the pins of a simulated camera: a pseudo-terminal is their serial port."""

import sys
from pathlib import Path

from ocellus import networks
from ocellus_sim.cosim import simulate
from ocellus_sim.programs import compiled
from tb.boards.another import another
from tb.boards.sizes import CONFIGURATION, camera, settings
from tb.boards.test_power_on import CAMERA


def test_the_commands_work_at_the_pins_of_a_camera(tmp_path: Path):
    other = another()
    assert networks.stage_settings(other, camera()["frame"], pattern=settings().readout.pattern) == settings()
    images = {"line": networks.default(), "other": other}
    for name, file in images.items():
        (tmp_path / name).write_bytes(compiled(file, CONFIGURATION).to_bytes())
    simulate(
        CAMERA,
        camera(),
        test_module="tb.boards.clients_bench",
        parameters={"python": sys.executable, **{name: str(tmp_path / name) for name in images}},
    )
