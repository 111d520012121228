"""The settings of every stage together, and what a sensor can hold from power-on, before anybody has written to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .settings import IspSettings, MetadataSettings, ReadoutSettings, TensorSettings


class StageSettings(NamedTuple):
    """What a network needs of every stage: `ocellus.networks.stage_settings` finds it."""

    tensor: TensorSettings
    metadata: MetadataSettings
    readout: ReadoutSettings
    isp: IspSettings

    def writes(self) -> Iterator[tuple[int, int]]:
        """(address, data) of each register write, readout's ``enable`` last."""
        for stage in (self.isp, self.tensor, self.metadata, self.readout):
            yield from stage.writes()


@dataclass(frozen=True)
class Start:
    """A network and the settings of every stage, built into the gateware as what its memories and registers begin with.

    Attributes
    ----------
    image : bytes
        A program image, as ``ocellus compile`` writes it.
    tensor, metadata, readout, isp : settings
        With ``readout.enable`` frames begin by themselves. The gamma tables are isp's.
    """

    image: bytes
    tensor: TensorSettings
    metadata: MetadataSettings
    readout: ReadoutSettings = field(default_factory=ReadoutSettings)
    isp: IspSettings = field(default_factory=IspSettings)
