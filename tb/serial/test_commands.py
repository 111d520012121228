"""``ocellus ping``, ``monitor`` and ``load`` as a user types them, at a board that a thread plays."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ocellus.board.board import Board
from ocellus.cli import main
from ocellus.compiler.engine.image import Program
from ocellus.configurations import CONFIGURATIONS
from ocellus.settings import FrameFormat, IspSettings, MetadataSettings, ReadoutSettings, Window
from ocellus_sim.golden import link, metadata
from tb.interrupts import interruptible

from .fake_board import FakeBoard, plugged_in
from .model import stuffed

OCELLUS = (sys.executable, "-m", "ocellus")
RUNS = {0x600: 0x0CE11050, 0x400: 1, 0x000: 1}
"""Registers of a board with a network and its readout enabled."""


def make_program(configuration: str = "ecp5", weight_words: int = 1500) -> Program:
    """An image of the right form; no accelerator would do anything sensible with it."""
    dice, sizes = np.random.default_rng(1), CONFIGURATIONS[configuration]
    return Program.assemble(
        {"network_id": 0xABCDEF01}, ({},), ({},), np.zeros((1, 256), np.int8),
        dice.integers(0, 2**31, (4, sizes.parameter_lanes, 3)).astype(np.uint32),
        dice.integers(-128, 128, (weight_words, sizes.lanes)).astype(np.int8), {"configuration": configuration},
    )  # fmt: skip


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "net.ocnn"
    path.write_bytes(make_program().to_bytes())
    return path


def board_for(image: Path, **faults: float) -> FakeBoard:
    return FakeBoard(image=[int(word) for word in Program.load(image).words()], **faults)  # type: ignore[arg-type]


def make_record(frame: int) -> bytes:
    ticket = {"frame_counter": frame, "timestamp": 0, "readout_clocks": 9, "lines_lost": 0, "frames_skipped": 0,
              "test_pattern": 0}  # fmt: skip
    head = MetadataSettings.vector(FrameFormat(), Window(0, 0, 1920, 1080), top_k=2)
    spent = {"busy": 4, "weights": 3, "requantiser": 2, "input": 1}
    return metadata.record(ticket, np.array([5, -7, 90], np.int8), 0xABCDEF, 500, spent, head)


def make_packets(count: int) -> list[bytes]:
    return [link.record_packet(make_record(n), n % 256) for n in range(count)]


def test_ping_tells_what_is_there(capsys):
    board = FakeBoard(
        greeting=b"\xff\x00noise\x7d" + stuffed(bytes([0x83, 1, 2, 9, 9, 9, 9])), page={0x718: 3, 0x71C: 4}
    )
    with plugged_in(board):
        assert main(["ping", board.port]) == 0
        board.registers |= {0x400: 1, 0x40C: 0xABCDEF}
        board.page |= {}
        assert main(["ping", board.port, "--baud", "115200"]) == 0
    first, second = capsys.readouterr().out.split(f"{board.port}: an Ocellus sensor at ")[1:]
    assert first.startswith("1000000 baud, answers in ")
    assert first.splitlines()[1:] == [
        "  accelerator: ecp5",
        "  network:     none",
        "  line:        3 frames dropped, 4 bytes without a stop bit",
    ]
    assert "network:     00abcdef" in second


def test_ping_finds_its_way_through_a_bad_line(capsys):
    with plugged_in(FakeBoard(loses=0.3)) as board:
        assert main(["ping", board.port]) == 0
    assert "accelerator: ecp5" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["ping"], ["monitor"], ["load"]])
def test_a_port_without_a_board_is_refused(command: list[str], image: Path, tmp_path: Path, capsys):
    more = [str(image)] * (command == ["load"])
    absent, plain = str(tmp_path / "ttyUSB9"), tmp_path / "file"
    plain.write_bytes(b"")
    allowed = "allowed a serial port that nobody else uses\n"

    def refused(port: str) -> str:
        assert main([*command, port, *more]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"ocellus: {port}: ")
        return err.removeprefix(f"ocellus: {port}: ")

    assert refused(absent) == f"No such file or directory, {allowed}"
    assert refused(str(plain)) == f"found no serial port, {allowed}"
    with plugged_in(FakeBoard(is_silent=True)) as board:
        assert refused(board.port) == "found nothing in 2 s, allowed a board at 1000000 baud\n"
    with plugged_in(FakeBoard(is_silent=True, greeting=b"login: \xfe\xff")) as board:
        assert refused(board.port) == "found 9 bytes and no whole frame in 2 s, allowed a board at 1000000 baud\n"
    with plugged_in(FakeBoard(registers={0x600: 5})) as board:
        assert refused(board.port) == "found identity 0x00000005, allowed 0x0ce11050\n"
    with plugged_in(FakeBoard(page={0x700: 2})) as board:
        assert refused(board.port) == "found serial line version 2, allowed 1\n"


def test_a_port_in_use_is_refused(capsys):
    with plugged_in(FakeBoard()) as board:
        other = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(other, fcntl.LOCK_EX)
        assert main(["ping", board.port]) == 2
        os.close(other)
        assert "found it in use by another program, allowed" in capsys.readouterr().err
        assert main(["ping", board.port]) == 0


@pytest.mark.parametrize("loses", [0.0, 0.05, 0.2])
def test_an_image_arrives_word_by_word_whatever_the_line_loses(image: Path, loses: float, capsys):
    board = board_for(image, loses=loses)
    with plugged_in(board):
        assert main(["load", board.port, str(image)]) == 0
    assert board.words == board.image
    assert board.writes[0] == (0x504, 0)
    assert len(board.writes) == 1 + len(board.image), "a word was written twice"
    assert f"network abcdef01 loaded, {4 * len(board.image)} bytes in" in capsys.readouterr().out


def test_an_image_arrives_between_records(image: Path):
    board = board_for(image)
    board.packets = make_packets(20)
    with plugged_in(board):
        assert main(["load", board.port, str(image)]) == 0
    assert board.words == board.image


def test_a_small_store_is_never_overfilled(image: Path):
    board = board_for(image)
    board.is_slow = True
    board.page = {0x704: 1024}
    with plugged_in(board):
        assert main(["load", board.port, str(image)]) == 0
    assert board.words == board.image
    assert 700 < board.most_stored <= 1024, "or the test shows nothing"
    assert board.drops == 0


def test_settings_arrive_in_their_order_and_consecutive_ones_together():
    settings = [w for stage in (IspSettings(), ReadoutSettings()) for w in stage.writes()]
    board = FakeBoard(loses=0.1)
    with plugged_in(board), Board(board.port) as line:
        line.greet()
        line.apply(settings)
        assert line.read(0) == 0
    assert board.writes == settings
    assert len(settings) > 3072
    assert board.writing_frames < 70


def damaged(content: bytes) -> bytes:
    return content[:2000] + bytes([content[2000] ^ 1]) + content[2001:]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (damaged, "the accelerator's part: found CRC 0x"),
        (lambda content: content[:-7], "bytes, allowed"),
        (lambda content: b"hello", "found 5 bytes, allowed a program image"),
        (lambda content: make_program("tiny").to_bytes(), "found an image for tiny, allowed one for ecp5\n"),
        (lambda content: make_program(weight_words=13313).to_bytes(), "found 13313 words of weights, allowed 13312"),
    ],
)
def test_an_image_that_does_not_fit_is_refused_before_a_word_is_sent(image: Path, change, found: str, capsys):
    image.write_bytes(change(image.read_bytes()))
    with plugged_in(FakeBoard()) as board:
        assert main(["load", board.port, str(image)]) == 2
    out, err = capsys.readouterr()
    assert (out, board.writes) == ("", [])
    assert err.startswith(f"ocellus: {image}: ")
    assert found in err


def test_an_image_that_is_not_there_is_refused(capsys):
    with plugged_in(FakeBoard()) as board:
        assert main(["load", board.port, "none.ocnn"]) == 2
    assert capsys.readouterr().err.startswith("ocellus: none.ocnn: cannot be read")


def test_a_cable_pulled_in_mid_load_is_told_and_the_next_load_mends_it(image: Path, capsys):
    board = board_for(image, unplugs_at=3000)
    with plugged_in(board):
        assert main(["load", board.port, str(image)]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith(f"ocellus: {board.port}: found the line gone after ")
    assert err.endswith("bytes had arrived: the board has no network until a load is completed")
    again = board_for(image)
    again.words, again.registers = board.words, board.registers
    assert len(again.words) >= 3000
    with plugged_in(again):
        assert main(["load", again.port, str(image)]) == 0
    assert again.words == again.image


def test_a_load_that_is_interrupted_is_told(image: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    def feed(self: Board, address: int, words: list[int], progress: Callable[[int], None]) -> None:
        progress(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(Board, "feed", feed)
    with plugged_in(board_for(image)) as board:
        assert main(["load", board.port, str(image)]) == 2
    assert f"{board.port}: interrupted by control-C; 240 of 24556 bytes had arrived: the" in capsys.readouterr().err


def test_a_board_that_is_reset_in_mid_load_is_told(image: Path, capsys):
    with plugged_in(board_for(image, resets_at=3000)) as board:
        assert main(["load", board.port, str(image)]) == 2
    assert "(it was reset on the way)" in capsys.readouterr().err


def test_an_image_that_the_accelerator_refuses_is_told(image: Path, capsys):
    board = board_for(image)
    board.image[-1] ^= 1
    board.registers[0x408] = 5
    with plugged_in(board):
        assert main(["load", board.port, str(image)]) == 2
    assert "found no network, error CHECKSUM after the load, allowed network abcdef01" in capsys.readouterr().err


def test_monitor_begins_with_the_next_whole_record(capsys):
    board = FakeBoard(packets=make_packets(9), registers=dict(RUNS))
    board.greeting = stuffed(b"\x90" + make_packets(1)[0][50:])[9:] + b"\x7e" + stuffed(b"\x90" + b"\x0e\x5c\x01")
    with plugged_in(board):
        assert main(["monitor", board.port, "--format", "jsonl", "--records", "9"]) == 0
    out, err = capsys.readouterr()
    frames = [json.loads(line)["frame_counter"] for line in out.splitlines()]
    assert [(later - early) % 9 for early, later in pairwise(frames)] == [1] * 8
    assert err == ""


def test_monitor_tells_damage_and_that_no_network_is_loaded(capsys):
    packets = make_packets(6)
    packets[3] = packets[3][:40] + bytes([packets[3][40] ^ 4]) + packets[3][41:]
    with plugged_in(FakeBoard(packets=packets)) as board:
        assert main(["monitor", board.port, "--records", "12"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n  class 2 ") == 12
    none, damage = err.splitlines()
    assert none == f"ocellus: {board.port}: found no network and no enabled readout, so no records come"
    assert damage.removeprefix(f"ocellus: {board.port}: ").startswith(("2 packets damaged", "3 packets damaged"))


def test_monitor_ends_when_the_line_is_gone(capsys):
    board = FakeBoard(packets=make_packets(3), registers=dict(RUNS))
    with plugged_in(board):
        timer = threading.Timer(1, board._stopped.set)
        timer.start()
        assert main(["monitor", board.port]) == 2
        timer.join()
    out, err = capsys.readouterr()
    assert "frame 0: 2 objects" in out
    assert err.startswith(f"ocellus: {board.port}: found the line gone after")


def test_monitor_ends_with_control_c():
    with (
        plugged_in(FakeBoard(packets=make_packets(3))) as board,
        subprocess.Popen(
            [*OCELLUS, "monitor", board.port], stdout=subprocess.PIPE, preexec_fn=interruptible
        ) as process,
    ):
        assert process.stdout
        assert process.stdout.readline().startswith(b"frame ")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_patience_that_no_board_can_have_is_refused(capsys):
    for patience in ("0", "-1", "1e9", "nan"):
        assert main(["ping", "none", "--patience", patience]) == 2
        sentence = f"ocellus: --patience: found {float(patience):g} s, allowed more than 0 and up to 600\n"
        assert capsys.readouterr().err == sentence


def test_monitor_draws_pictures(capsys):
    board = FakeBoard(packets=make_packets(4), registers=RUNS | {0x33C: 3840, 0x340: 2160})
    with plugged_in(board):
        assert main(["monitor", board.port, "--picture", "--records", "2"]) == 0
    assert capsys.readouterr().out.count("2 objects") == 2


def test_a_count_of_no_records_is_refused(capsys):
    assert main(["monitor", "none", "--records", "0"]) == 2
    assert capsys.readouterr().err == "ocellus: --records: found 0, allowed 1 and more\n"
