"""A stage's tests by `make sim TEST=`: what is shown, what is left, and that no silence counts as a success."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ocellus.errors import BadInput
from ocellus_sim.app import folders, stage
from ocellus_sim.app.choice import StageTests
from tb.app import small

FAILS = """
from ocellus_sim.compare import difference

def test_good():
    pass

def test_bad():
    raise AssertionError(difference("isp", [[1, 2], [3, 4]], [[1, 2], [3, 7]], ("row", "column")).message)
"""


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """The verdict on a file of tests that stands for a stage's: status, screen and result.json."""
    monkeypatch.setattr(folders, "RUNS", tmp_path / "sim")

    def go(text: str, **variables: str) -> tuple[int, str, dict]:
        tests = tmp_path / "test_stage.py"
        tests.write_text(text)
        monkeypatch.setattr(StageTests, "targets", lambda self: [str(tests)])
        screen = io.StringIO()
        given = {"TEST": "isp", "SEED": "7"} | variables
        status = stage.run(StageTests("isp"), given, Console(file=screen, width=300))
        return status, screen.getvalue(), json.loads((folders.RUNS / "latest" / "result.json").read_text())

    return go


def test_a_failure_is_shown_with_its_place_and_the_command(ran):
    status, screen, result = ran(FAILS)
    assert status == 1
    assert "isp: 1 of 2 tests passed" in screen
    assert "isp: first difference at row 1, column 1: want 4, got 7; 1 of 4 elements differ." in screen
    assert "again: make sim TEST=isp::test_bad SEED=7" in screen
    assert "isp, seed 7, commit " in screen
    assert "verilator 5" in screen
    assert (result["passed"], result["seed"], result["command"]) == (False, 7, "make sim TEST=isp::test_bad SEED=7")
    assert [(test["name"], test["status"]) for test in result["tests"]] == [
        ("test_good", "passed"),
        ("test_bad", "failed"),
    ]


def test_the_seed_and_the_wish_for_waves_reach_the_tests(ran):
    text = "import os\ndef test_it():\n    assert os.environ['OCELLUS_SEED'] + os.environ['OCELLUS_WAVES'] == '7fail'\n"
    status, _, result = ran(text, WAVES="fail")
    assert (status, result["passed"], result["message"]) == (0, True, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no test ran"),
        ("import pytest\n@pytest.mark.skip\ndef test_it():\n    pass\n", "no test ran"),
        ("import os\ndef test_it():\n    os._exit(0)\n", "no test ran"),
        ("import os\ndef test_it():\n    os.abort()\n", "no test ran"),
        ("def test_it(:\n", "SyntaxError"),
        ("import no_such_module\n", "no_such_module"),
    ],
    ids=["nothing", "skipped", "leaves", "dies", "no Python", "no module"],
)
def test_a_test_that_never_ran_is_a_failure(ran, text, said):
    status, screen, result = ran(text)
    assert status == 1
    assert result["passed"] is False
    assert said in result["message"]
    assert "again: make sim TEST=isp" in screen


def test_a_variable_of_the_whole_sensor_is_refused(ran):
    with pytest.raises(BadInput, match="MODE: found it with TEST=isp"):
        ran(FAILS, MODE="image")


def test_the_command_ends_pytest_when_it_is_ended(tmp_path):
    """The simulator of a bench, too: here it is a build that is on its way or a run, whatever comes first."""
    variables = {"TEST": "control", "OCELLUS_BUILD": str(tmp_path / "build")}
    process = subprocess.Popen(
        [sys.executable, "-m", "ocellus_sim.app"], cwd=tmp_path, env={**os.environ, **variables}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    def inside() -> list[Path]:
        return [p for p in Path("/proc").glob("[0-9]*") if str(tmp_path).encode() in _command(p)]

    small.when(lambda: len(inside()) > 1, 120, "a tool at work")
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "ocellus: ended by SIGTERM; no result was written"
    small.when(lambda: not inside(), 10, "the end of all")


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes() + (process / "cwd").readlink().as_posix().encode()
    except OSError:
        return b""
