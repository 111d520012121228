"""The whole sensor in golden form: one frame through the stages, every intermediate kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.graph import Kind, Network
from ocellus.errors import BadInput
from ocellus.formats import Pattern
from ocellus.settings import FrameFormat, IspSettings, MetadataSettings, ReadoutSettings, TensorSettings

from . import cnn, isp, metadata, readout, tensor

UNTIMED = {
    "frame_counter": 0, "timestamp": 0, "readout_clocks": 0, "lines_lost": 0, "frames_skipped": 0, "test_pattern": 0,
}  # fmt: skip
"""A ticket that says nothing of time: what a frame did on its way only the gateware knows."""

UNSPENT = {"busy": 0, "weights": 0, "requantiser": 0, "input": 0}
"""Nor where the accelerator's clocks went: ``CNN_SPENT`` of an accelerator that counts nothing."""


@dataclass(frozen=True)
class SensorSettings:
    """The settings of every stage."""

    tensor: TensorSettings
    metadata: MetadataSettings
    frame: FrameFormat = field(default_factory=FrameFormat)
    readout: ReadoutSettings = field(default_factory=ReadoutSettings)
    isp: IspSettings = field(default_factory=IspSettings)


@dataclass(frozen=True, eq=False)
class Passage:
    """One frame at every stage.

    Attributes
    ----------
    raw : uint16 (H, W)
    rgb : uint8 (H / 2, W / 2, 3)
    tensor : int8 (rows, columns, channels)
    layers : dict of str to int8
        Every operator's output by its tensor's name, in the order of the operators; what is left to the host included.
    output : int8
        The tensor that leaves the accelerator.
    record : bytes
    """

    raw: NDArray[np.uint16]
    rgb: NDArray[np.uint8]
    tensor: NDArray[np.int8]
    layers: dict[str, NDArray[np.int8]]
    output: NDArray[np.int8]
    record: bytes


def run(
    raw: NDArray[np.uint16] | None,
    settings: SensorSettings,
    network: Network,
    ticket: Mapping[str, int] = UNTIMED,
    inference_clocks: int = 0,
    spent: Mapping[str, int] = UNSPENT,
) -> Passage:
    """Take one frame through the whole sensor.

    Parameters
    ----------
    raw : uint16 (H, W), or None
        What the pixel array delivers; not looked at where ``settings.readout`` selects a test pattern: a moving one is
        drawn as it is in the ticket's frame.
    settings : SensorSettings
    network : Network
        What an importer of ``ocellus.compiler`` made.
    ticket, inference_clocks, spent
        What depends on time: from the gateware's run, or left at 0.

    Raises
    ------
    BadInput
        When frame, settings and network do not fit together.
    """
    if settings.readout.pattern != Pattern.ARRAY:
        raw = readout.pattern(settings.frame, settings.readout, ticket["frame_counter"])
        ticket = {**ticket, "test_pattern": 1}
    shape = (settings.frame.height, settings.frame.width)
    if raw is None or raw.shape != shape:
        found = "none" if raw is None else f"{raw.shape[-1]}x{raw.shape[0]}"
        raise BadInput(f"frame: found {found}, allowed {shape[1]}x{shape[0]}")

    rgb = isp.process(raw, settings.isp)
    scaled = tensor.scale(rgb, settings.tensor)
    if scaled.size != network.input_tensor.size:
        raise BadInput(
            f"input tensor: found {scaled.shape} in the settings, allowed {network.input_tensor.shape} ({network.name})"
        )
    layers = cnn.run(network, scaled)
    output = chip_output(network, scaled, layers)
    record = metadata.record(ticket, output, network.identity, inference_clocks, spent, settings.metadata)
    return Passage(raw, rgb, scaled, layers, output, record)


def chip_output(network: Network, x: NDArray[np.int8], layers: Mapping[str, NDArray[np.int8]]) -> NDArray[np.int8]:
    """The tensor that leaves the accelerator: a SOFTMAX at the end is left to the host."""
    last = network.operators[-1]
    if last.kind is not Kind.SOFTMAX:
        return layers[last.output]
    return layers.get(last.inputs[0], x)
