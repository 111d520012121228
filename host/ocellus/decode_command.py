"""``ocellus decode``: the link's bytes in, one record after the other out."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator

from .decoder import Decoder
from .errors import BadInput
from .formats import RecordFlag
from .pictures import ImageLine
from .records import Record, class_names

CHUNK_BYTES = 1 << 20


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``decode`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "decode",
        help="print the records in what left the link",
        description="Print the records in the bytes that left the link. Damaged packets are left out and counted on "
        "standard error; the exit status is 2 when there is no record at all.",
    )
    parser.add_argument("file", metavar="FILE", help="bytes of the link; - reads standard input")
    parser.add_argument("--format", choices=("text", "jsonl"), default="text", help="text (default) or JSON Lines")
    parser.add_argument(
        "--classes", metavar="NET.json", help="names of the network's classes: its description, or a JSON list"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Decode ``arguments.file``; :class:`BadInput` when it holds no record."""
    names = class_names(arguments.classes) if arguments.classes else []
    show = as_text if arguments.format == "text" else as_json_line
    decoder = Decoder()
    read_bytes = 0
    for chunk in _chunks(arguments.file):
        read_bytes += len(chunk)
        _print(decoder.feed(chunk), names, show)
    _print(decoder.finish(), names, show)

    name = "standard input" if arguments.file == "-" else arguments.file
    troubles = _troubles(decoder)
    if not decoder.records:
        seen = f"{_count(decoder.lines, 'image line')} and no record" if decoder.lines else "no record"
        why = f" ({troubles})" if troubles else ""
        raise BadInput(f"{name}: found {seen} in {_count(read_bytes, 'byte')}{why}, allowed bytes that left the link")
    if troubles:
        print(f"ocellus: {name}: {troubles}", file=sys.stderr)
    return 0


def _chunks(file: str) -> Iterator[bytes]:
    # Unbuffered, so that a read gives what is there and a live stream is printed at once.
    place = 0 if file == "-" else file
    with open(place, "rb", buffering=0, closefd=file != "-") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _print(found: list[Record | ImageLine], names: list[str], show: Callable[[Record], str]) -> None:
    records = [item for item in found if isinstance(item, Record)]
    for record in records:
        print(show(record.named(names)))
    sys.stdout.flush()  # for those who watch a live stream, and so that the counts come last


def as_text(record: Record) -> str:
    """A record for people: a line for the frame, and one for each object."""
    facts = [f"frame {record.frame_counter}: {_count(len(record.objects), 'object')}"]
    if RecordFlag.OBJECTS_OVERFLOW in record.flags:
        facts.append("more than fit")
    if RecordFlag.TEST_PATTERN in record.flags:
        facts.append("test pattern")
    if record.lines_lost:
        facts.append(f"{_count(record.lines_lost, 'line')} lost")
    if record.frames_skipped:
        facts.append(f"{_count(record.frames_skipped, 'frame')} skipped before it")
    facts.append(f"network {record.network_id:08x}")
    facts.append(f"readout {record.readout_clocks} clocks")
    facts.append(f"inference {record.inference_clocks} clocks")
    facts.append(f"array busy {record.clocks_busy}")
    facts.append(
        f"waiting {record.clocks_weights} for weights, {record.clocks_requantiser} for the requantiser, "
        f"{record.clocks_input} for input"
    )
    facts.append(f"at clock {record.timestamp}")
    lines = [", ".join(facts)]
    for o in record.objects:
        name = o.class_name or f"class {o.class_index}"
        lines.append(
            f"  {name:<16} score {o.score:>4}  centre ({o.centre_x}, {o.centre_y})  "
            f"box {o.width}x{o.height} at ({o.left}, {o.top})"
        )
    return "\n".join(lines)


def as_json_line(record: Record) -> str:
    """A record for programs: one line of JSON Lines."""
    return json.dumps(record.as_json())


def _troubles(decoder: Decoder) -> str:
    parts = []
    if decoder.damaged_packets:
        parts.append(f"{_count(decoder.damaged_packets, 'packet')} damaged")
    if decoder.skipped_bytes:
        parts.append(f"{_count(decoder.skipped_bytes, 'byte')} skipped")
    if decoder.refused_packets:
        parts.append(f"{_count(decoder.refused_packets, 'packet')} refused, first: {decoder.first_refusal}")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
