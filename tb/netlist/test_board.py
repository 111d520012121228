"""The chip of a bitstream, cell by cell: networks through its serial pins, records from them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from ocellus import formats, networks
from ocellus.board import board as host
from ocellus.board.board import Board
from ocellus.cli import main
from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus.compiler.engine.image import Program
from ocellus.compiler.graph import Network
from ocellus.formats import Pattern
from ocellus.records import EMPTY_BYTES
from ocellus.settings import ReadoutSettings, Window
from ocellus_sim.compare import first_difference
from ocellus_sim.golden import link, sensor
from ocellus_sim.golden.sensor import SensorSettings
from ocellus_sim.scenes import isp_settings
from tb.sensor.chip import timing_of
from tb.sensor.networks import heatmap_network
from tb.sensor.sensor_bench import settings_of
from tb.sensor.sizes import FRAME

from . import chip, netlist
from .chip import Chip
from .model import Model
from .networks import residual_network

FRAMES = 2
PATIENCE_CLOCKS = 20_000_000
"""Without a byte of packets the frame is lost."""
HEADER = formats.PACKET_HEADER.bits // 8

pytestmark = pytest.mark.skipif(
    not netlist.WHOLE,
    reason="takes half an hour or more: make regress SUITE=nightly FILTER=netlist, or OCELLUS_NETLIST=1 make test",
)


class Case(NamedTuple):
    """A network, and what it looks at."""

    network: Network
    program: Program
    settings: SensorSettings


def cases() -> dict[str, Case]:
    """The project's own network, a heat map and a vector."""
    file = networks.default()
    window = Window(0, 0, FRAME.width, FRAME.height)
    metadata = replace(file.metadata_settings(FRAME, window), threshold=-40)
    line = SensorSettings(file.tensor_settings(window), metadata, FRAME, isp=isp_settings())
    found = {"line": Case(file.network, file.compile(chip.CONFIGURATION, goal=Goal.LATENCY), line)}
    for name, network in (("heatmap", heatmap_network(6)), ("vector", residual_network(4))):
        program = compile_network(network, chip.CONFIGURATION, goal=Goal.LATENCY)
        found[name] = Case(network, program, settings_of(FRAME, live=False, vector=name == "vector"))
    patterns = {"line": Pattern.LINE, "heatmap": Pattern.PN9, "vector": Pattern.BARS}
    return {
        name: case._replace(settings=replace(case.settings, readout=ReadoutSettings(True, False, patterns[name])))
        for name, case in found.items()
    }


@pytest.fixture(scope="module")
def model() -> Iterator[Chip]:
    """The chip from power-on, for all tests of this file in their order."""
    with Model(chip.library(), 2, 5) as library:
        yield Chip(library)


@pytest.fixture
def port(model: Chip, monkeypatch: pytest.MonkeyPatch) -> Chip:
    """The chip as every serial port of this process; simulated time is not the clock's on the wall."""
    monkeypatch.setattr(host.serial, "Serial", lambda *arguments, **options: model)
    monkeypatch.setattr(host, "PATIENCE_SECONDS", 600)
    return model


def packets_of(board: Board, model: Chip) -> bytes:
    """The next packet, whole; nothing may follow it."""
    found, until = bytearray(), model.clocks + PATIENCE_CLOCKS
    whole = None
    while whole is None or len(found) < whole:
        assert model.clocks < until, f"{len(found)} bytes of packets in {PATIENCE_CLOCKS} clocks"
        found += board.listen()
        if len(found) >= HEADER:
            header = formats.PACKET_HEADER.unpack(int.from_bytes(found[:HEADER], "little"))
            whole = HEADER + -(-header["length"] // 8) * 8 + formats.PACKET_TRAILER.bits // 8
    assert len(found) == whole
    return bytes(found)


def test_each_block_ram_is_used_as_its_model_may_be(model: Chip):
    """Port A writes, port B reads, with one clock: what cells/dp16kd.v leaves open, no cell of the netlist asks for."""
    found = netlist.cells(chip.text(), "DP16KD")
    assert len(found) > 100
    for pins in found:
        assert pins["WEB"] == "1'h0"
        assert pins["CLKB"] in (pins["CLKA"], "1'h0")


def test_the_clock_comes_with_the_lock_and_stands_with_the_button(model: Chip):
    """Nothing leaves, the line rests high, and the light says when the clock is there."""
    model.pass_clocks(10)
    assert model.lights >> chip.LOCK - 1 == 0
    model.pass_clocks(40)
    assert model.lights >> chip.LOCK - 1 == 1
    model.press(20)
    model.pass_clocks(1000)
    assert model.sent_bytes == model.in_waiting == 0


@pytest.mark.parametrize("name", ["heatmap", "vector", "line"])
def test_packets_at_the_pin_are_the_golden_ones(name: str, port: Chip, tmp_path: Path):
    """A network by `ocellus load`, the stages' settings, two frames of a test pattern: bit for bit."""
    case = cases()[name]
    image = tmp_path / "net.ocnn"
    image.write_bytes(case.program.to_bytes())
    assert main(["load", "pins", str(image)]) == 0
    settings, objects = case.settings, 0
    with Board("pins") as board:
        board.greet()
        for stage in (settings.isp, settings.tensor, settings.metadata):
            board.apply(stage.writes())
        for _ in range(FRAMES):
            # A frame that has begun is finished: off again behind its first lines, there is one.
            board.apply([*settings.readout.writes(), (formats.READOUT.address("enable"), 0)])
            packet = packets_of(board, port)
            header = formats.PACKET_HEADER.unpack(int.from_bytes(packet[:HEADER], "little"))
            record = packet[HEADER:][: header["length"]]
            ticket, clocks, spent = timing_of(record)
            assert ticket["frame_counter"] == header["sequence"], "a record a frame, a frame a packet"
            assert ticket["lines_lost"] == ticket["frames_skipped"] == 0
            want = sensor.run(None, settings, case.network, ticket, clocks, spent).record
            expected = link.record_packet(want, header["sequence"])
            message = first_difference(f"{name}, packet", list(expected), list(packet), ("byte",))
            assert message is None, message
            objects += len(record) > EMPTY_BYTES
        assert board.receiver.dropped_frames == 0
    assert objects > 0, "no frame shows an object: the test shows nothing"
    print(f"{name}: {port.clocks:,} clocks")
