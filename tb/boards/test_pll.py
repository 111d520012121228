"""Dividers of the PLL: exact, and inside the data sheet's limits, which are written again here."""

from fractions import Fraction

import pytest

from ocellus_hdl.boards.found import load, points
from ocellus_hdl.boards.pll import Dividers, dividers

MHZ = 1_000_000


def check(d: Dividers, crystal_hz: int, clock_hz: int) -> None:
    """Lattice FPGA-DS-02012, sysCLOCK PLL timing; FPGA-TN-02200 for the dividers."""
    assert all(1 <= n <= 128 for n in (d.input, d.feedback, d.loop, d.output))
    detector = Fraction(crystal_hz, d.input)
    oscillator = detector * d.feedback * d.loop
    assert 10 * MHZ <= detector <= 400 * MHZ
    assert 400 * MHZ <= oscillator <= 800 * MHZ
    assert oscillator / d.output == clock_hz
    assert (d.detector_hz, d.oscillator_hz, d.clock_hz) == (detector, oscillator, clock_hz)


@pytest.mark.parametrize("crystal", [12, 24, 25, 27, 30, 48, 50, 100, 125])
def test_75_mhz_come_exactly_from_usual_crystals(crystal: int):
    check(dividers(crystal * MHZ, 75 * MHZ), crystal * MHZ, 75 * MHZ)


@pytest.mark.parametrize(("crystal", "clock"), [(25, 25), (25, 80), (400, 400), (100, 100)])
def test_other_clocks_keep_the_limits(crystal: int, clock: int):
    check(dividers(crystal * MHZ, clock * MHZ), crystal * MHZ, clock * MHZ)


@pytest.mark.parametrize(("crystal", "clock"), [(16, 75), (12, 400), (8, 8)])
def test_a_clock_outside_the_limits_is_refused(crystal: int, clock: int):
    """An oscillator of 1,200 MHz; one of 400 or 800, which are no multiples of 12; a phase detector at 8 MHz."""
    with pytest.raises(ValueError, match=f"which no dividers make of {crystal},000,000 Hz exactly$"):
        dividers(crystal * MHZ, clock * MHZ)


def test_of_several_dividers_the_fastest_detector_is_taken():
    assert dividers(25 * MHZ, 75 * MHZ) == Dividers(25 * MHZ, input=1, feedback=1, loop=30, output=10)


def test_ctas_clock_is_refused_where_it_is_not_exact():
    with pytest.raises(ValueError, match=r"^PLL clock: found 74,250,000 Hz, which no dividers make of 48,000,000 Hz"):
        dividers(48 * MHZ, 74_250_000)


@pytest.mark.parametrize(("crystal", "clock", "what"), [(7, 75, "crystal"), (401, 75, "crystal"), (25, 3, "clock")])
def test_what_the_pll_cannot_take_is_refused(crystal: int, clock: int, what: str):
    with pytest.raises(ValueError, match=rf"^PLL {what}: found [\d,]+ Hz, allowed [\d,]+ to 400,000,000$"):
        dividers(crystal * MHZ, clock * MHZ)


@pytest.mark.parametrize("name", points())
def test_each_board_makes_its_clock_exactly(name: str):
    board = load(points()[name])
    check(board.dividers, board.crystal_hz, board.clock_hz)
    resource = next(r for r in board.platform.resources if r.name == board.crystal)
    assert resource.clock.frequency == board.crystal_hz
