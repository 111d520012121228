"""Every board: found by its entry point, fast enough, and a design that Amaranth can write down."""

import re
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ocellus import networks
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from ocellus.formats import Pattern
from ocellus_hdl.boards import found, top
from ocellus_hdl.boards.found import board, load, points, sized
from scripts.boards.bitstream import built_in, netlist

from .echo import Echo

ROOT = Path(__file__).resolve().parents[2]
OURS = ("ecp5-evaluation", "ecpix5-85f", "orangecrab-85f", "ulx3s-85f")


def test_our_boards_are_found_by_their_entry_points():
    assert [name for name in points() if name in OURS] == list(OURS)
    for name in OURS:
        assert board(name).name == name


@pytest.mark.parametrize("name", OURS)
def test_four_pixels_a_clock_give_thirty_frames_a_second(name: str):
    one = board(name)
    assert one.clock_hz >= 74_250_000
    assert (one.frame.width, one.frame.height) == (3840, 2160)
    assert 30 <= one.clock_hz / (one.frame.h_total / 4 * one.frame.v_total) < 30.01
    assert 30 <= one.frame_rate < 30.01


@pytest.mark.parametrize("name", OURS)
def test_a_board_becomes_a_netlist_with_its_pins(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the camera, which is the same on every board."""
    monkeypatch.setattr(top, "Camera", Echo)
    one = board(name)
    options = netlist(one, one.configuration, tmp_path)
    text = (tmp_path / "top.il").read_text()
    (pll,) = re.findall(r"cell \\EHXPLLL .*?\n *end\n", text, re.DOTALL)
    d = one.dividers
    for divider, value in (("CLKI", d.input), ("CLKFB", d.feedback), ("CLKOP", d.loop), ("CLKOS", d.output)):
        assert int(re.findall(rf"parameter \\{divider}_DIV (\d+)\n", pll)[0]) == value
    pins = (tmp_path / "top.lpf").read_text()
    lights = {f"{pin.resource}_{pin.number}{'__' * bool(pin.part)}{pin.part}" for pin in one.lights.values()}
    for port in (f"{one.crystal}_0", f"{one.button.resource}_0", "uart_0__rx", "uart_0__tx", *lights):
        assert f'LOCATE COMP "{port}__io" SITE' in pins
    assert f'FREQUENCY PORT "{one.crystal}_0__io" {float(one.crystal_hz)} HZ;' in pins
    device = one.platform.device
    assert ("--um5g-85k" if "5G" in device else "--85k") in options["NEXTPNR_ECP5"]


@pytest.mark.parametrize("configuration", ["tiny", "ecp5"])
def test_the_whole_chip_becomes_a_netlist(configuration: str, tmp_path: Path):
    """Minutes of elaboration, with what a bitstream holds."""
    one, sizes = board("ulx3s-85f"), CONFIGURATIONS[configuration]
    start = built_in(one.frame, sizes)
    assert (start.readout.enable, start.readout.pattern) == (True, Pattern.LINE)
    assert start.readout.live == (configuration == "ecp5"), "tiny is not done before the next frame: readout waits"
    netlist(one, sizes, tmp_path, start)
    text = (tmp_path / "top.il").read_text()
    assert "\\top.camera.sensor.cnn" in text
    identity = networks.default().network.identity
    assert f"{identity:032b}" in text, "no register begins with the network's id"
    assert str(ROOT) not in text, "the folder that it is built in would change the bitstream"


def test_an_unknown_board_is_told_those_there_are():
    with pytest.raises(BadInput, match=r"^BOARD: found 'ulx4', allowed .*ecpix5-85f, .*ulx3s-85f"):
        board("ulx4")


def test_a_board_of_others_stands_beside_ours(monkeypatch: pytest.MonkeyPatch):
    mine = replace(board("ulx3s-85f"), name="mine", title="one of others")
    monkeypatch.setitem(globals(), "MINE", mine)
    point = EntryPoint("mine", f"{__name__}:MINE", found.GROUP)
    monkeypatch.setattr(found, "entry_points", lambda group: [point])
    assert board("mine") is mine


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("ocellus_hdl.boards.nowhere:BOARD", "cannot be loaded: No module"),
        ("ocellus_hdl.boards.ulx3s:NOTHING", "cannot be loaded: .*NOTHING"),
        ("ocellus_hdl.boards.board:CLOCK_HZ", "is of type int, allowed is a Board of this name"),
        ("ocellus_hdl.boards.ulx3s:BOARD", "is the board ulx3s-85f, allowed is a Board of this name"),
    ],
)
def test_an_entry_point_with_no_board_behind_it_is_refused(value: str, says: str):
    with pytest.raises(BadInput, match=f"^board other: .*{says}"):
        load(EntryPoint("other", value, found.GROUP))


def test_the_configuration_is_the_boards_unless_one_is_asked_for():
    one = board("ulx3s-85f")
    assert sized(one, "").name == "ecp5"
    assert sized(one, "tiny").name == "tiny"
    with pytest.raises(BadInput, match=r"^configuration: found 'huge', allowed tiny, ecp5"):
        sized(one, "huge")
