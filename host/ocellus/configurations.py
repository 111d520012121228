"""The named sizes of the accelerator: how many multipliers, how they are arranged, how much memory."""

from dataclasses import dataclass

from .errors import BadInput

SIDE = 3
"""Taps in a row of a window, and rows of them."""
PIXELS = 9
"""Pixels that the array works on side by side; a window of 3x3 taps has as many."""


@dataclass(frozen=True)
class Configuration:
    """Sizes of the accelerator; ``inputs * outputs == word * windows``.

    Attributes
    ----------
    word : int
        Channels in a word of the activation memory: what a depthwise layer handles side by side. A power of two.
    windows : int
        Neighbouring windows of 3x3 taps that a depthwise layer takes in a clock, at most.
    inputs, outputs : int
        Input and output channels that a convolution takes in a clock, for nine pixels. Powers of two up to ``word``.
    lines : int
        Depth of each bank of the activation memory.
    weight_words : int
        Words of the weight memory; one word holds ``inputs * outputs`` bytes.
    parameter_lanes, parameter_words : int
        Channels in a word of the parameter memory, and its words.
    program_words : int
        32-bit words for layer descriptors and steps.
    layers : int
        Layer descriptors whose counters are kept.
    combiners : int
        Elements a clock that additions, products and tables take.
    tables : int
        Tables of 256 bytes.
    unfold_bytes : int
        Largest ``kernel columns * channels`` that the inlet gathers into one pixel.
    packed : bool
        Two products share one multiplier.
    """

    name: str
    word: int
    windows: int
    inputs: int
    outputs: int
    lines: int
    weight_words: int
    parameter_lanes: int
    parameter_words: int
    program_words: int
    layers: int = 64
    combiners: int = 1
    tables: int = 8
    unfold_bytes: int = 32
    packed: bool = True

    @property
    def macs(self) -> int:
        """Multiply-accumulates a clock."""
        return PIXELS * self.lanes

    @property
    def lanes(self) -> int:
        """Requantiser lanes: outputs a clock."""
        return self.inputs * self.outputs

    @property
    def columns(self) -> int:
        """Neighbouring columns of three rows that the banks deliver in a clock.

        ``windows`` windows side by side span one more, which is the last but one of the clock before.
        """
        return max(SIDE, self.windows + 1)

    @property
    def banks(self) -> int:
        """Banks of the activation memory, each a word wide."""
        return SIDE * self.columns

    @property
    def chains(self) -> bool:
        """Windows may take a column from the clock before: window 0, when there are ``windows`` in a clock."""
        return self.windows > 1

    def first_window(self, tile: int) -> int:
        """The number of the first window where there are ``tile`` in a clock."""
        return int(self.chains and tile < self.windows)

    def side_by_side(self, stride: int) -> int:
        """Windows ``stride`` columns apart that lie in those of one clock."""
        return min((self.columns - SIDE) // stride + 1, self.windows)

    @property
    def beat_pixels(self) -> int:
        """Pixels of a convolution's tile that the requantiser takes in a clock."""
        return PIXELS if self.inputs >= PIXELS else 3

    @property
    def beats(self) -> int:
        """Clocks in which the requantiser takes a tile's group of output channels."""
        return PIXELS // self.beat_pixels

    @property
    def activation_bytes(self) -> int:
        """Capacity of the activation memory."""
        return self.banks * self.lines * self.word

    @property
    def weight_bytes(self) -> int:
        """Capacity of the weight memory."""
        return self.weight_words * self.lanes

    @property
    def window_words(self) -> int:
        """Weight words that nine taps of ``word`` channels take."""
        return -(-PIXELS * self.word // self.lanes)


CONFIGURATIONS = {
    c.name: c
    for c in (
        Configuration("tiny", word=4, windows=1, inputs=4, outputs=1, lines=4096, weight_words=16384,
                      parameter_lanes=1, parameter_words=4096, program_words=4096, packed=False),
        Configuration("ecp5", word=8, windows=2, inputs=4, outputs=4, lines=1024, weight_words=13312,
                      parameter_lanes=2, parameter_words=1536, program_words=2048),
        Configuration("ecp5-288", word=16, windows=2, inputs=4, outputs=8, lines=1024, weight_words=6912,
                      parameter_lanes=4, parameter_words=1024, program_words=4096, combiners=2),
        Configuration("imx500", word=32, windows=8, inputs=16, outputs=16, lines=2048, weight_words=20480,
                      parameter_lanes=16, parameter_words=4096, program_words=65536, layers=256, combiners=16,
                      packed=False),
    )
}  # fmt: skip


def configuration(name: str) -> Configuration:
    """The configuration called ``name``; :class:`BadInput` names the ones there are."""
    try:
        return CONFIGURATIONS[name]
    except KeyError:
        raise BadInput(f"configuration: found {name!r}, allowed {', '.join(CONFIGURATIONS)}") from None
