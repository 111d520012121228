"""Runs that do not come to their end: the status, the sentence, and nothing left that looks like a result."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocellus_sim import whole
from ocellus_sim.app import ending, folders
from ocellus_sim.cosim import toolchain
from tb.app import small

LONG = 400
"""Frames: far more than pass before the run is ended."""


def nothing_looks_whole(folder: Path) -> None:
    """No result, and nothing that leads to a run without one."""
    assert not list(folder.rglob("result.json"))
    assert not (folder / "build" / "sim" / "latest").exists()
    assert not list(folder.rglob(".result*")), "the half of a file"


@pytest.fixture
def ended(tmp_path):
    """A run that a signal ends in the middle: its status and what it said."""

    def go(number: int) -> tuple[int, str]:
        process = small.start(tmp_path, LONG)
        try:
            small.when(lambda: small.running(tmp_path) or process.poll() is not None, 500, "the first frame")
            assert process.poll() is None, process.communicate()
            assert list(small.simulators(tmp_path)), "it is the simulator that this is about"
            process.send_signal(number)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
        small.when(lambda: not list(small.simulators(tmp_path)), 10, "the end of the simulator")
        return process.returncode, said

    return go


@pytest.mark.parametrize(("number", "what"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM")])
def test_a_run_that_is_ended_says_so_and_leaves_no_simulator(ended, tmp_path, number, what):
    began = time.monotonic()
    status, said = ended(number)
    assert status == 130
    assert said.splitlines()[-1] == f"ocellus: {what}; no result was written"
    assert "Traceback" not in said
    nothing_looks_whole(tmp_path)
    assert time.monotonic() - began < 540


def test_a_run_that_is_killed_leaves_no_simulator(ended, tmp_path):
    status, _ = ended(signal.SIGKILL)
    assert status == -signal.SIGKILL
    nothing_looks_whole(tmp_path)


def test_a_simulator_that_dies_is_a_failure(tmp_path):
    process = small.start(tmp_path, LONG)
    small.when(lambda: small.running(tmp_path) or process.poll() is not None, 500, "the first frame")
    for simulator in small.simulators(tmp_path):
        os.kill(simulator, signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the simulator died of SIGKILL" in said
    assert "again: make sim" in said
    nothing_looks_whole(tmp_path)


def test_a_build_that_is_not_there_or_dies_is_a_failure(tmp_path):
    process = small.start(tmp_path, OCELLUS_SIMULATOR=str(tmp_path / "nowhere"))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "holds no program named simulator" in said
    nothing_looks_whole(tmp_path)
    (tmp_path / "g++").write_text('#!/bin/sh\nif [ "$1" = -dumpfullversion ]; then echo 1.2.3; else exit 1; fi\n')
    (tmp_path / "g++").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    process = small.start(tmp_path, OCELLUS_BUILD=str(tmp_path / "builds"), PATH=path)
    _, said = process.communicate(timeout=500)
    assert process.returncode == 1
    assert "make ended with status" in said
    assert "again: make sim" in said
    nothing_looks_whole(tmp_path)


@pytest.mark.parametrize("kilobytes", [1, 20, 400], ids="{} kB".format)
def test_a_full_disk_is_named_in_one_sentence(tmp_path, kilobytes):
    """Here no file may grow larger than so much: nothing fits, the arrays do not, the first frame does and more not."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1000, kilobytes * 1000))

    process = small.start(tmp_path, LONG if kilobytes > 100 else 1, before=limit)
    _, said = process.communicate(timeout=520)
    assert process.returncode == 1
    assert said.count("found a full disk, allowed one with room for what a run leaves") == 1, said
    assert str(tmp_path) in said
    assert "Traceback" not in said
    nothing_looks_whole(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("kilobytes", [4, 64, 100], ids="{} kB".format)
def test_a_full_file_system_is_named_in_one_sentence(tmp_path, kilobytes):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "ocellus", str(disk)]).returncode:
        pytest.skip("this root may not mount")
    try:
        process = small.start(tmp_path, OCELLUS_RUN_FOLDER=str(disk / "run"))
        _, said = process.communicate(timeout=520)
        assert process.returncode == 1
        assert said.count("found a full disk") == 1, said
        assert str(disk) in said
        assert not list(disk.rglob("result.json"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_two_runs_at_once_keep_apart(tmp_path):
    processes = [small.start(tmp_path) for _ in range(2)]
    for process in processes:
        _, said = process.communicate(timeout=520)
        assert process.returncode == 0, said
    runs = tmp_path / "build" / "sim"
    results = sorted(runs.glob("*/result.json"))
    assert {path.parent.name for path in results} == {"seed-5-metadata", "seed-5-metadata-2", "latest"}
    assert all(json.loads(path.read_text())["bit_exact"] for path in results)


def test_a_folder_from_outside_is_used_and_latest_stays(tmp_path):
    """What an earlier run left there is no result of one that fails."""
    folder = tmp_path / "elsewhere" / "run"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{}")
    process = small.start(tmp_path, OCELLUS_RUN_FOLDER=str(folder))
    said, _ = process.communicate(timeout=520)
    assert process.returncode == 0
    assert str(folder.relative_to(tmp_path)) in said
    assert json.loads((folder / "result.json").read_text())["bit_exact"]
    assert not (tmp_path / "build").exists()


def test_a_result_is_there_whole_or_not_at_all(tmp_path):
    (tmp_path / "result.json").write_text("the old one")

    def half(path: Path) -> None:
        path.write_text("ha")
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space left"):
        whole.write(tmp_path / "result.json", half)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert (tmp_path / "result.json").read_text() == "the old one"
    folders.write_result(tmp_path, {"bit_exact": True})
    assert json.loads((tmp_path / "result.json").read_text()) == {"bit_exact": True}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_tool_ends_with_all_that_it_started(tmp_path, number):
    """A build, say, in which a compiler of a make is at work."""
    mark = f"{600 + os.getpid() / 1e6:.6f}"
    tool = ["sh", "-c", f"sleep {mark} & sleep {mark} & wait"]
    program = (
        "from pathlib import Path; from ocellus_sim.app import ending; from ocellus_sim.cosim import toolchain;"
        f"ending.command(lambda: toolchain.run({tool!r}, Path('.'), toolchain.environment(), Path('log')))"
    )

    def asleep() -> list[str]:
        lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
        return [line.decode() for line in lines if line.startswith(b"sleep") and mark.encode() in line]

    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.DEVNULL)
    small.when(lambda: len(asleep()) == 2, 30, "two sleepers")
    process.send_signal(number)
    process.wait(timeout=20)
    small.when(lambda: not asleep(), 10, "their end")


def test_a_tools_status_and_words_come_through(tmp_path):
    log = tmp_path / "log"
    toolchain.run(["sh", "-c", "echo good"], tmp_path, toolchain.environment(), log)
    with pytest.raises(toolchain.ToolError, match=r"(?s)sh ended with status 3.*bad"):
        toolchain.run(["sh", "-c", "echo bad; exit 3"], tmp_path, toolchain.environment(), log)
    with pytest.raises(toolchain.ToolError, match="no-such-tool"):
        toolchain.run(["no-such-tool"], tmp_path, toolchain.environment(), log)


def test_another_file_that_cannot_be_written_is_named(capsys):
    def run() -> int:
        raise PermissionError(13, "Permission denied", "/there")

    assert ending.command(run) == 1
    assert (
        capsys.readouterr().err
        == "ocellus: /there: found Permission denied, allowed files that can be read and written\n"
    )
