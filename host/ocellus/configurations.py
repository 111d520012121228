"""The named sizes of one parameterised design: how many multipliers, how much memory."""

from dataclasses import dataclass

from .errors import BadInput


@dataclass(frozen=True)
class Configuration:
    """Sizes of the accelerator.

    Attributes
    ----------
    lanes : int
        Bytes of one activation word: the length of the dot product taken in a clock, and the channels
        that a depthwise layer or a pool handles side by side. A power of two.
    columns : int
        Output channels that a convolution computes side by side. ``lanes * columns`` is the number of MACs.
    requantisers : int
        Outputs requantised in a clock.
    weight_words : int
        Words of the weight memory; one word holds ``lanes * columns`` bytes.
    parameter_words : int
        Words of the parameter memory; one word holds ``requantisers`` channels.
    activation_bytes : int
        Bytes of the activation memory, input tensor included.
    layers : int
        Layer descriptors that fit.
    """

    name: str
    lanes: int
    columns: int
    requantisers: int
    weight_words: int
    parameter_words: int
    activation_bytes: int
    layers: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates a clock."""
        return self.lanes * self.columns

    @property
    def weight_bytes(self) -> int:
        """Capacity of the weight memory in bytes."""
        return self.weight_words * self.macs


CONFIGURATIONS = {
    c.name: c
    for c in (
        Configuration("tiny", lanes=8, columns=2, requantisers=1, weight_words=4096, parameter_words=1024,
                      activation_bytes=128 << 10, layers=32),
        Configuration("ecp5", lanes=16, columns=9, requantisers=4, weight_words=1536, parameter_words=1024,
                      activation_bytes=128 << 10, layers=64),
    )
}  # fmt: skip


def configuration(name: str) -> Configuration:
    """The configuration called ``name``; :class:`BadInput` names the ones there are."""
    try:
        return CONFIGURATIONS[name]
    except KeyError:
        raise BadInput(f"configuration: found {name!r}, allowed {', '.join(CONFIGURATIONS)}") from None
