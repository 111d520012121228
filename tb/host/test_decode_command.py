"""``ocellus decode`` as a user types it."""

import json
import subprocess
import sys
import threading

import numpy as np
import pytest

from ocellus.cli import main
from ocellus.settings import FrameFormat, MetadataSettings, Window
from ocellus_sim.golden import link, metadata

OCELLUS = (sys.executable, "-m", "ocellus")


def make_record(frame: int, lines_lost: int = 0) -> bytes:
    """A vector record with two objects."""
    ticket = {"frame_counter": frame, "timestamp": 1000 * frame, "readout_clocks": 900, "lines_lost": lines_lost,
              "frames_skipped": 0, "test_pattern": 1}  # fmt: skip
    head = MetadataSettings.vector(FrameFormat(), Window(8, 4, 100, 60), top_k=2)
    spent = {"busy": 400, "weights": 30, "requantiser": 20, "input": 10}
    return metadata.record(ticket, np.array([5, -7, 90], np.int8), 0xABCDEF, 500, spent, head)


@pytest.fixture
def stream(tmp_path):
    """A file with two records."""
    path = tmp_path / "metadata.bin"
    path.write_bytes(link.record_packet(make_record(0), 0) + link.record_packet(make_record(1, lines_lost=3), 1))
    return path


def test_text_says_what_was_seen(stream, capsys):
    assert main(["decode", str(stream)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "frame 0: 2 objects, test pattern, network 00abcdef, readout 900 clocks, inference 500 clocks, "
        "array busy 400, waiting 30 for weights, 20 for the requantiser, 10 for input, at clock 0",
        "  class 2          score   90  centre (58, 34)  box 100x60 at (8, 4)",
        "  class 0          score    5  centre (58, 34)  box 100x60 at (8, 4)",
        "frame 1: 2 objects, test pattern, 3 lines lost, network 00abcdef, readout 900 clocks, inference 500 clocks, "
        "array busy 400, waiting 30 for weights, 20 for the requantiser, 10 for input, at clock 1000",
        "  class 2          score   90  centre (58, 34)  box 100x60 at (8, 4)",
        "  class 0          score    5  centre (58, 34)  box 100x60 at (8, 4)",
    ]
    assert err == ""


@pytest.mark.parametrize(
    "content",
    [
        ["nut", "gear", "washer"],
        {"name": "x", "classes": [{"name": "nut", "kind": "part"}, "gear", {"name": "washer"}]},
    ],
)
def test_json_lines_carry_names_of_classes(stream, tmp_path, capsys, content):
    names = tmp_path / "net.json"
    names.write_text(json.dumps(content))
    assert main(["decode", str(stream), "--format", "jsonl", "--classes", str(names)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[1] == {
        "frame_counter": 1, "timestamp": 1000, "network_id": 0xABCDEF, "readout_clocks": 900, "inference_clocks": 500,
        "lines_lost": 3, "frames_skipped": 0, "flags": ["LINES_LOST", "TEST_PATTERN", "VECTOR"], "version": 2,
        "clocks_busy": 400, "clocks_weights": 30, "clocks_requantiser": 20, "clocks_input": 10,
        "objects": [
            {"class": 2, "name": "washer", "score": 90, "centre": [58, 34], "box": [8, 4, 100, 60]},
            {"class": 0, "name": "nut", "score": 5, "centre": [58, 34], "box": [8, 4, 100, 60]},
        ],
    }  # fmt: skip


def test_damage_is_counted_on_standard_error_and_the_rest_printed(stream, capsys):
    data = bytearray(stream.read_bytes())
    data[60] ^= 1
    stream.write_bytes(data + b"tail")
    assert main(["decode", str(stream), "--format", "jsonl"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["frame_counter"] for line in out.splitlines()] == [1]
    assert err == f"ocellus: {stream}: 2 packets damaged, 116 bytes skipped\n"


def test_a_refused_record_is_explained(stream, capsys):
    stream.write_bytes(stream.read_bytes() + link.record_packet(b"no record", 2))
    assert main(["decode", str(stream)]) == 0
    assert capsys.readouterr().err == (
        f"ocellus: {stream}: 1 packet refused, first: record: found 9 bytes, allowed 64 and more\n"
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "found no record in 0 bytes, allowed bytes that left the link"),
        (b"hello", "found no record in 5 bytes (1 packet damaged, 5 bytes skipped), allowed bytes that left the link"),
        (
            link.line_packet(0, 0, np.zeros(4, np.uint16), 0),
            "found 1 image line and no record in 32 bytes, allowed bytes that left the link",
        ),
    ],
)
def test_a_file_without_a_record_is_refused(tmp_path, capsys, data, sentence):
    path = tmp_path / "none.bin"
    path.write_bytes(data)
    assert main(["decode", str(path)]) == 2
    assert capsys.readouterr() == ("", f"ocellus: {path}: {sentence}\n")


def test_a_missing_file_and_a_directory_are_refused(tmp_path, capsys):
    assert main(["decode", str(tmp_path / "none.bin")]) == 2
    assert capsys.readouterr().err == f"ocellus: {tmp_path / 'none.bin'}: No such file or directory\n"
    assert main(["decode", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"ocellus: {tmp_path}: Is a directory\n"


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b"3", b'["a", 3]', b'{"classes": "abc"}', b'[{"kind": "part"}]', b"[" * 100_000]
)
def test_names_that_are_no_list_of_names_are_refused(stream, tmp_path, capsys, content):
    names = tmp_path / "net.json"
    names.write_bytes(content)
    assert main(["decode", str(stream), "--classes", str(names)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ocellus: {names}: found no ")
    assert len(err.splitlines()) == 1


def test_standard_input_is_read_for_a_dash(stream):
    done = subprocess.run([*OCELLUS, "decode", "-"], input=stream.read_bytes(), capture_output=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith(b"frame 0: 2 objects")
    empty = subprocess.run([*OCELLUS, "decode", "-"], input=b"", capture_output=True, timeout=60)
    assert empty.returncode == 2
    assert empty.stderr == (b"ocellus: standard input: found no record in 0 bytes, allowed bytes that left the link\n")


def test_records_of_a_live_stream_are_printed_as_they_come(stream):
    packet = link.record_packet(make_record(0), 0)
    with subprocess.Popen([*OCELLUS, "decode", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        deadline = threading.Timer(20, process.kill)  # or a decoder that waits for more would wait for ever
        deadline.start()
        process.stdin.write(packet)
        process.stdin.flush()
        first = process.stdout.readline()  # while standard input is still open
        deadline.cancel()
        process.stdin.close()
    assert first.startswith(b"frame 0")


def test_a_reader_that_goes_away_ends_the_command_quietly(tmp_path):
    path = tmp_path / "long.bin"
    path.write_bytes(b"".join(link.record_packet(make_record(n), n) for n in range(3000)))
    with subprocess.Popen([*OCELLUS, "decode", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_decoding_imports_numpy_and_nothing_else_from_outside(stream):
    script = (
        "import sys; from ocellus.cli import main; main(sys.argv[1:]); "
        "print(*sorted({m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script, "decode", str(stream)],
        capture_output=True, text=True, timeout=60, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    own = {
        name for name in loaded if name.startswith(("_cython", "cython", "__"))
    }  # what NumPy's own binaries register
    assert loaded - own == {"numpy", "ocellus"}


def test_unknown_commands_end_with_status_2(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["frobnicate"])
    assert "invalid choice: 'frobnicate'" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    assert "decode" in out
    assert "compile" in out
