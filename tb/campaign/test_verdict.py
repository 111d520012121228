"""A job is judged by all that it left: nothing but a whole, good result is one that passed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocellus_sim.campaign.job import Job
from ocellus_sim.campaign.verdict import OUTPUT, RESULT, TESTS, judge
from ocellus_sim.campaign.work import repeat
from ocellus_sim.cosim.toolchain import environment

SENSOR = Job("line", "sensor", 5, 3)
STAGE = Job("isp", "stage", 1, 0)
GOOD = {"bit_exact": True, "frames": 3, "first_difference": None}
BAD = {"bit_exact": False, "frames": 3, "first_difference": {"message": "rgb: row 3", "frame": 1}}


@pytest.mark.parametrize(
    ("status", "result", "output", "verdict", "says"),
    [
        (0, GOOD, "", "passed", ""),
        (1, BAD, "", "failed", "rgb: row 3"),
        (0, BAD, "", "error", "status 0 and result.json contradict each other"),
        (1, GOOD, "", "error", "status 1 and result.json contradict each other"),
        (0, {**GOOD, "frames": 2}, "", "error", "contradict"),
        (0, None, "", "error", "it printed nothing (status 0, no result.json)"),
        (2, None, "ocellus: MODE: found 'x'\n", "error", "MODE: found 'x' (status 2, no result.json)"),
        (1, None, "ocellus: tb: failed; log ends:\nmore\nagain: make sim\n", "error", "tb: failed; log ends:"),
        (1, None, "Traceback\n  ...\nOSError: [Errno 28] No space left on device\n", "error", "No space left"),
        (None, None, "", "error", "it was killed after 60 s"),
        (None, GOOD, "", "error", "it was killed after 60 s"),
        (128 + 9, None, "", "error", "it died of signal 9"),
        (128 + 11, GOOD, "", "error", "it died of signal 11"),
    ],
)
def test_a_sensors_run(tmp_path: Path, status: int | None, result: Any, output: str, verdict: str, says: str):
    (tmp_path / OUTPUT).write_text(output)
    if result is not None:
        (tmp_path / RESULT).write_text(json.dumps(result))
    found = judge(SENSOR, tmp_path, status, 60)
    assert found.status == verdict
    assert says in found.message
    assert found.frames == (2 if verdict == "failed" else None)


@pytest.mark.parametrize(
    ("job", "frames", "command"),
    [
        (SENSOR, None, "make sim SEED=5 FRAMES=3"),
        (SENSOR, 2, "make sim SEED=5 FRAMES=2"),
        (SENSOR, 1, "make sim SEED=5"),
        (Job("image", "sensor", 7, 1, {"MODE": "image"}), None, "make sim MODE=image SEED=7"),
        (STAGE, None, "make sim TEST=isp SEED=1"),
    ],
)
def test_what_repeats_a_job_or_its_frames_up_to_one(job: Job, frames: int | None, command: str):
    assert repeat(job, frames) == command


def test_half_a_result_is_none(tmp_path: Path):
    (tmp_path / RESULT).write_text(json.dumps(GOOD)[:-3])
    assert judge(SENSOR, tmp_path, 0, 60).status == "error"


def record(tmp_path: Path, tests: str) -> int:
    """Status of pytest over a file of tests, with the recorder."""
    (tmp_path / "test_it.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", str(tmp_path), "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--rootdir", str(tmp_path), "-p", "ocellus_sim.campaign.recorder"]
    env = environment() | {"OCELLUS_TESTS": str(tmp_path / TESTS)}
    with (tmp_path / OUTPUT).open("w") as out:
        return subprocess.run(command, cwd=tmp_path, env=env, stdout=out, stderr=subprocess.STDOUT).returncode


HEAD = """
import os, pytest
from ocellus_sim.cosim.toolchain import ToolError
def cases(*lines):
    with open(os.environ["OCELLUS_CASES"], "a") as out:
        for name, status in lines:
            out.write('{"name": "%s", "status": "%s", "seconds": 0.5, "message": "why"}' % (name, status) + chr(10))
"""


def test_a_stage_that_passes(tmp_path: Path):
    status = record(
        tmp_path,
        HEAD
        + """
@pytest.mark.parametrize("n", [1, 2])
def test_light(n): cases(("glows[n=1]", "passed"), ("meant_to_fail", "failed"))
@pytest.mark.skip(reason="no lamp")
def test_lamp(): pass
""",
    )
    found = judge(STAGE, tmp_path, status, 60)
    assert (found.status, found.message) == ("passed", "")
    tests = [(test["name"], test["status"]) for test in found.facts["tests"]]
    assert tests == [
        ("test_light[1]", "passed"), ("glows[n=1]", "passed"), ("test_light[2]", "passed"), ("glows[n=1]", "passed"),
        ("test_lamp", "skipped"),
    ]  # fmt: skip
    assert found.facts["tests"][-1]["message"] == "no lamp"
    assert all(test["file"] == "test_it.py" for test in found.facts["tests"])


@pytest.mark.parametrize(
    ("tests", "verdict", "says"),
    [
        ("def test_light(): cases(('glows', 'failed')); assert 3 == 4", "failed", "test_light: assert 3 == 4"),
        ("def test_light(): raise ToolError('no g++')", "error", "no g++"),
        ("def test_light(): raise ToolError('no g++')\ndef test_b(): assert 0", "failed", "no g++"),
        ("@pytest.fixture\ndef lamp(): raise OSError('gone')\ndef test_light(lamp): pass", "failed", "gone"),
        ("@pytest.mark.skip\ndef test_light(): pass", "error", "no test ran"),
        ("def helper(): pass", "error", "(status 5)"),
        ("def test_light(:", "error", "SyntaxError"),
        ("def test_light(): os._exit(0)", "error", "no test ran"),
        ("def test_a(): pass\ndef test_light(): os._exit(3)", "error", "(status 3)"),
    ],
)
def test_a_stage_that_does_not_pass(tmp_path: Path, tests: str, verdict: str, says: str):
    found = judge(STAGE, tmp_path, record(tmp_path, HEAD + tests), 60)
    assert found.status == verdict
    assert says in found.message


def test_simulations_that_failed_are_named_where_their_test_failed(tmp_path: Path):
    record(tmp_path, HEAD + "def test_light(): cases(('glows', 'failed'), ('burns', 'passed')); assert 0")
    tests = judge(STAGE, tmp_path, 1, 60).facts["tests"]
    assert [(t["name"], t["status"]) for t in tests] == [
        ("test_light", "failed"), ("glows", "failed"), ("burns", "passed"),
    ]  # fmt: skip


def test_a_stage_that_was_killed_tells_what_had_passed(tmp_path: Path):
    record(tmp_path, HEAD + "def test_light(): pass")
    found = judge(STAGE, tmp_path, None, 60)
    assert (found.status, [t["name"] for t in found.facts["tests"]]) == ("error", ["test_light"])


def test_a_stage_that_was_killed_tells_what_had_failed(tmp_path: Path):
    record(tmp_path, HEAD + "def test_light(): assert 3 == 4")
    found = judge(STAGE, tmp_path, None, 60)
    assert (found.status, found.message) == ("error", "it was killed after 60 s; test_light: assert 3 == 4")
