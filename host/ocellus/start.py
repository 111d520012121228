"""What a sensor can hold from power-on, before anybody has written to it."""

from dataclasses import dataclass, field

from .settings import IspSettings, MetadataSettings, ReadoutSettings, TensorSettings


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
