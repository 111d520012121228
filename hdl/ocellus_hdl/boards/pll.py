"""The ECP5's PLL: dividers that turn a crystal's clock into the sensor's exactly, and the cell that holds them."""

from dataclasses import dataclass
from fractions import Fraction

from amaranth.hdl import Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

INPUT_HZ = (8_000_000, 400_000_000)
"""Lattice FPGA-DS-02012 (ECP5 and ECP5-5G family data sheet), sysCLOCK PLL timing: fIN; the others likewise."""
OUTPUT_HZ = (3_125_000, 400_000_000)
VCO_HZ = (400_000_000, 800_000_000)
DETECTOR_HZ = (10_000_000, 400_000_000)
"""Open tools allow 3.125 MHz and more; the data sheet's limit is the narrower one."""
DIVISORS = range(1, 129)
"""Lattice FPGA-TN-02200 (sysCLOCK PLL/DLL design and usage guide): of the input, the feedback and each output."""


@dataclass(frozen=True)
class Dividers:
    """What the PLL divides by. The feedback comes from an output of its own, so the clock need be no multiple of it.

        detector = crystal / input;   oscillator = detector * feedback * loop;   clock = oscillator / output

    Attributes
    ----------
    crystal_hz : int
    input, feedback, loop, output : int
        ``CLKI_DIV``, ``CLKFB_DIV``, ``CLKOP_DIV``, ``CLKOS_DIV``.
    """

    crystal_hz: int
    input: int
    feedback: int
    loop: int
    output: int

    @property
    def detector_hz(self) -> Fraction:
        """What the phase detector compares."""
        return Fraction(self.crystal_hz, self.input)

    @property
    def oscillator_hz(self) -> Fraction:
        """Of the voltage controlled oscillator."""
        return self.detector_hz * self.feedback * self.loop

    @property
    def clock_hz(self) -> Fraction:
        """What comes out."""
        return self.oscillator_hz / self.output


def _inside(hz: Fraction | int, limits: tuple[int, int]) -> bool:
    return limits[0] <= hz <= limits[1]


def dividers(crystal_hz: int, clock_hz: int) -> Dividers:
    """The dividers that make ``clock_hz`` exactly, all limits of the data sheet kept.

    Of several ones those of the fastest phase detector, which corrects most often, then of the fastest oscillator.
    ``ValueError`` when there are none.
    """
    for what, found, limits in (("crystal", crystal_hz, INPUT_HZ), ("clock", clock_hz, OUTPUT_HZ)):
        if not _inside(found, limits):
            raise ValueError(f"PLL {what}: found {found:,} Hz, allowed {limits[0]:,} to {limits[1]:,}")
    for input_ in DIVISORS:
        detector = Fraction(crystal_hz, input_)
        if not _inside(detector, DETECTOR_HZ):
            continue
        for output in reversed(DIVISORS):
            multiple = clock_hz * output / detector
            if not _inside(clock_hz * output, VCO_HZ) or multiple.denominator != 1:
                continue
            for feedback in DIVISORS:
                loop, rest = divmod(int(multiple), feedback)
                if rest == 0 and loop in DIVISORS:
                    return Dividers(crystal_hz, input_, feedback, loop, output)
    raise ValueError(f"PLL clock: found {clock_hz:,} Hz, which no dividers make of {crystal_hz:,} Hz exactly")


class Pll(wiring.Component):
    """``EHXPLLL`` with these dividers.

    Parameters
    ----------
    dividers : Dividers

    Attributes
    ----------
    i : 1, in
        The crystal's clock.
    o : 1, out
        The clock that was asked for.
    o_lock : 1, out
        It is there, and steady; from no clock at all.
    """

    i: In(1)
    o: Out(1)
    o_lock: Out(1)

    def __init__(self, dividers: Dividers):
        super().__init__()
        self._dividers = dividers

    def elaborate(self, platform: object) -> Module:
        """The cell; its phases are not used."""
        m = Module()
        d = self._dividers
        loop = Signal()
        m.submodules.cell = Instance(
            "EHXPLLL",
            # The loop filter, as Lattice's own tool sets it for every clock that it was asked for.
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_FREQUENCY_PIN_CLKI=f"{d.crystal_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOS=f"{float(d.clock_hz) / 1e6:g}",
            p_CLKI_DIV=d.input,
            p_CLKFB_DIV=d.feedback,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=d.loop,
            p_CLKOP_CPHASE=d.loop - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=d.output,
            p_CLKOS_CPHASE=d.output - 1,
            p_CLKOS_FPHASE=0,
            p_FEEDBK_PATH="CLKOP",
            i_CLKI=self.i,
            i_CLKFB=loop,
            i_RST=0,
            i_STDBY=0,
            i_PHASESEL0=0,
            i_PHASESEL1=0,
            i_PHASEDIR=1,
            i_PHASESTEP=1,
            i_PHASELOADREG=1,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
            i_ENCLKOS=0,
            o_CLKOP=loop,
            o_CLKOS=self.o,
            o_LOCK=self.o_lock,
        )
        return m
