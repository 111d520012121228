"""`ocellus ping`, `monitor` and `load` at the pins of a camera that began with a network; in this order."""

import io
import json
from pathlib import Path
from typing import Any

import cocotb
from rich.console import Console

import ocellus
from ocellus import networks
from ocellus.board.picture import Picture
from ocellus.decode_command import as_json_line, as_text
from ocellus.records import Record
from tb.boards.another import another
from tb.boards.clients import COLUMNS, LINES, Desk

LINE, OTHER = networks.default(), another()
PATIENCE = ("--patience", "4")
"""A word of an image waits for the end of an inference, which takes a simulator about a second."""


def desk(dut: Any) -> Desk:
    """A camera out of reset; what was loaded before is still there."""
    return Desk(dut, [LINE.network, OTHER.network])


def network_of(records: list[Record]) -> set[int]:
    """The networks that they are of."""
    return {record.network_id for record in records}


@cocotb.test()
async def ping_tells_what_is_there(dut: Any) -> None:
    """Identity, accelerator, network and counters."""
    board = desk(dut)
    ended = board.run(board.start("ping", board.port, "--baud", "9375000"))
    assert (ended.status, ended.err) == (0, "")
    first, *others = ended.out.splitlines()
    assert first.startswith(f"{board.port}: an Ocellus sensor at 9375000 baud, answers in ")
    assert others == [
        "  accelerator: tiny",
        f"  network:     {LINE.network.identity:08x}",
        "  line:        0 frames dropped, 0 bytes without a stop bit",
    ]


def monitored(board: Desk, count: int, *options: str) -> tuple[str, list[Record]]:
    """What a monitor prints, and the records that have left by then."""
    client = board.start("monitor", board.port, "--records", str(count), *options)
    board.wait_for_host(60)
    before = len(board.records)
    ended = board.run(client)
    assert (ended.status, ended.err) == (0, "")
    return ended.out, board.records[before:]


@cocotb.test()
async def monitor_begins_in_mid_record_and_shows_golden_records(dut: Any) -> None:
    """As JSON Lines, as text, and as a picture."""
    board = desk(dut)
    board.until(board.is_in_mid_record)
    out, (cut, *shown) = monitored(board, 2, "--format", "jsonl")
    assert cut.frame_counter == 0
    assert out.splitlines() == [as_json_line(record) for record in shown]
    assert all(json.loads(line)["objects"] for line in out.splitlines()), "nothing is seen: the test shows less"

    classes = Path(ocellus.__file__).parent / "networks" / "line.json"
    out, (shown,) = monitored(board, 1, "--classes", str(classes))
    assert out == as_text(shown.named(LINE.class_names)) + "\n"

    out, (shown,) = monitored(board, 1, "--classes", str(classes), "--picture")
    frame = board.bench.arguments["frame"]
    console = Console(file=io.StringIO(), width=COLUMNS)
    console.print(Picture((frame.width, frame.height), (COLUMNS, LINES - 1)).draw(shown.named(LINE.class_names)))
    assert out == console.file.getvalue()  # type: ignore[attr-defined]


@cocotb.test()
async def a_damaged_image_is_refused_and_the_network_runs_on(dut: Any) -> None:
    """Before a word of it is sent."""
    board = desk(dut)
    image = Path(board.bench.parameters["other"])
    damaged = board.bench.folder / "damaged.ocnn"
    content = image.read_bytes()
    damaged.write_bytes(content[:1000] + bytes([content[1000] ^ 1]) + content[1001:])
    ended = board.run(board.start("load", board.port, str(damaged)))
    assert (ended.status, ended.out) == (2, "")
    assert ended.sentence.startswith(f"ocellus: {damaged}: "), ended.err
    assert "CRC" in ended.sentence
    assert board.from_host == 0
    assert network_of(board.more_records(2)) == {LINE.network.identity}


@cocotb.test()
async def another_network_is_loaded_while_the_sensor_runs(dut: Any) -> None:
    """A bar while it goes; then every record is of the other network."""
    board = desk(dut)
    assert network_of(board.more_records(1)) == {LINE.network.identity}
    ended = board.run(board.start("load", board.port, board.bench.parameters["other"], *PATIENCE))
    assert ended.status == 0
    assert f"{board.port}: network {OTHER.network.identity:08x} loaded, " in ended.out
    assert "━" in ended.err, "there is no bar"
    board.more_records(1)
    later = board.more_records(2)
    assert network_of(later) == {OTHER.network.identity}
    assert any(record.objects for record in later)


@cocotb.test()
async def a_cable_pulled_in_mid_load_is_told_and_the_next_load_mends_it(dut: Any) -> None:
    """The board has no network until then."""
    board = desk(dut)
    assert network_of(board.more_records(1)) == {OTHER.network.identity}
    client = board.start("load", board.port, board.bench.parameters["line"], *PATIENCE)
    board.until(lambda: board.from_host > 8000, frames=60)
    gone = board.port
    board.unplug()
    ended = board.run(client)
    assert (ended.status, ended.out) == (2, "")
    assert ended.sentence.startswith(f"ocellus: {gone}: found the line gone after "), ended.err
    assert ended.sentence.endswith("bytes had arrived: the board has no network until a load is completed")

    board.port = board.plug()
    ended = board.run(board.start("ping", board.port))
    assert "\n  network:     none, half loaded\n" in ended.out
    before = len(board.records)
    ended = board.run(board.start("load", board.port, board.bench.parameters["line"], *PATIENCE))
    assert ended.status == 0
    assert len(board.records) == before, "a record without a network"
    assert network_of(board.more_records(2)) == {LINE.network.identity}
