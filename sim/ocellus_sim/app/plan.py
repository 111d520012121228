"""A run worked out before the simulator starts: network, program image, settings, and the control words for them."""

import hashlib
import os
from dataclasses import dataclass, replace
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ocellus
from ocellus import formats, networks
from ocellus.compiler.engine.goal import Goal
from ocellus.compiler.engine.image import Program
from ocellus.configurations import Configuration
from ocellus.errors import BadInput
from ocellus.networks import NetworkFile
from ocellus.settings import LUMA_MATRIX, ReadoutSettings, Window
from ocellus_sim.cosim.builds import build_root
from ocellus_sim.golden.sensor import SensorSettings
from ocellus_sim.scenes import CLASSES, Scene, isp_settings, load_frame, render

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
    program = _compiled(file, options.configuration)
    frame = options.frame
    window = options.roi or Window(0, 0, frame.width, frame.height)
    isp = isp_settings()
    channels = file.network.input_tensor.shape[-1]
    if channels == 1:
        # Luma of the corrected colours: one matrix after the other is their product.
        rows = np.array(LUMA_MATRIX).reshape(3, 3) @ np.array(isp.matrix).reshape(3, 3)
        isp = replace(isp, matrix=tuple(int(k) for k in np.round(rows / 256).ravel()))
    settings = SensorSettings(
        file.tensor_settings(window), file.metadata_settings(frame, window), frame, isp=isp,
    )  # fmt: skip
    tensor = settings.tensor
    if tensor.out_w > tensor.crop_w * 8 or tensor.out_w > 512:
        raise BadInput(f"input tensor: found {tensor.out_w} columns, allowed up to 512 in the simulated sensor")
    # docs/tensor.md: what a live readout may ask of the tensor stage in two line times.
    columns = tensor.crop_w + tensor.out_w - gcd(tensor.crop_w, tensor.out_w)
    live = max(columns, 2 * tensor.out_w * tensor.channels) <= 2 * frame.clocks_per_line
    return Plan(options, file, program, replace(settings, readout=ReadoutSettings(enable=True, live=live)))


def program_path(file: NetworkFile, sizes: Configuration) -> Path:
    """Where the program of a network is kept, by the content of all that makes it."""
    here = Path(ocellus.__file__).parent
    digest = hashlib.sha256(repr((file.network.identity, file.description(), sizes)).encode())
    for source in sorted(here.rglob("*.py")):
        digest.update(source.read_bytes())
    return build_root() / "programs" / f"{digest.hexdigest()[:16]}.ocnn"


def _compiled(file: NetworkFile, sizes: Configuration) -> Program:
    """The program with the least latency, as a live frame waits for nobody; kept, because the search takes seconds."""
    path = program_path(file, sizes)
    if path.is_file():
        return Program.load(path)
    program = file.compile(sizes, goal=Goal.LATENCY)
    path.parent.mkdir(parents=True, exist_ok=True)
    coming = path.with_suffix(f".{os.getpid()}")
    coming.write_bytes(program.to_bytes())
    coming.rename(path)
    return program


def control_words(writes: list[tuple[int, int]]) -> NDArray[np.uint64]:
    """Requests that write registers."""
    address, value = np.array(writes, np.uint64).reshape(-1, 2).T
    # CONTROL_REQUEST: address in 16 bits, data in 32, write in one; tested against the layout.
    return address | value << np.uint64(16) | np.uint64(1 << 48)
