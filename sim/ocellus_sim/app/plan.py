"""A run worked out before the simulator starts: network, program image, settings, and the control words for them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocellus import formats, networks
from ocellus.compiler.engine.image import Program
from ocellus.errors import BadInput
from ocellus.networks import NetworkFile
from ocellus_sim.golden.sensor import SensorSettings
from ocellus_sim.programs import compiled
from ocellus_sim.scenes import CLASSES, Scene, load_frame, render

from .options import Options


@dataclass(frozen=True, eq=False)
class Plan:
    """What to run.

    Attributes
    ----------
    scores : bool
        Whether the network's classes are those of the scenes, so that recall and precision mean something.
    """

    options: Options
    file: NetworkFile
    program: Program
    settings: SensorSettings

    @property
    def scores(self) -> bool:
        """Whether there is a ground truth that the network's classes can be held against."""
        return self.options.photograph is None and self.options.roi is None and tuple(self.file.class_names) == CLASSES

    def seed(self, index: int) -> int:
        """Seed of a frame of the run."""
        return self.options.seed + index

    def scene(self, index: int) -> Scene:
        """The frame, with its truth where it was rendered."""
        options = self.options
        if options.photograph is None:
            return render(self.seed(index), options.frame)
        try:
            raw = load_frame(options.photograph, options.frame)
        except BadInput as error:
            raise BadInput(f"FRAME: {error}") from None
        return Scene(self.seed(index), options.frame, raw, ())

    def set_up_words(self) -> NDArray[np.uint64]:
        """Register writes before the first frame: the settings of every stage, then the program image."""
        writes = [w for s in (self.settings.isp, self.settings.tensor, self.settings.metadata) for w in s.writes()]
        loads = [(formats.CNN_LOAD, int(word)) for word in self.program.words()]
        return control_words([*writes, *loads])


def prepare(options: Options) -> Plan:
    """Read the network, compile it, derive the settings; :class:`BadInput` when they do not fit together."""
    try:
        file = networks.load(options.model) if options.model else networks.default()
    except BadInput as error:
        raise BadInput(f"MODEL: {error}") from None
    program = compiled(file, options.configuration)
    tensor, metadata, readout, isp = networks.stage_settings(file, options.frame, options.roi)
    return Plan(options, file, program, SensorSettings(tensor, metadata, options.frame, readout, isp))


def control_words(writes: list[tuple[int, int]]) -> NDArray[np.uint64]:
    """Requests that write registers."""
    address, value = np.array(writes, np.uint64).reshape(-1, 2).T
    # CONTROL_REQUEST: address in 16 bits, data in 32, write in one; tested against the layout.
    return address | value << np.uint64(16) | np.uint64(1 << 48)
