"""Variables behind make: what a verb does not know is refused, through make too."""

import os
import subprocess
from pathlib import Path

import pytest

from ocellus.errors import BadInput
from ocellus_sim.typed import TYPED, nearest, refuse_unknown

ROOT = Path(__file__).resolve().parents[2]


def test_the_nearest_comes_first_and_the_rest_keeps_its_order():
    assert nearest("SIEZ", ["TEST", "SEED", "SIZE", "ROI"]) == ["SIZE", "TEST", "SEED", "ROI"]
    assert nearest("size", ["TEST", "SIZE"]) == ["SIZE", "TEST"]
    assert nearest("SIEZ", []) == []


def test_names_are_asked_once_and_not_by_what_is_started(monkeypatch):
    monkeypatch.setenv(TYPED, "SEED PYTHON OCELLUS_BUILD")
    refuse_unknown(["SEED"])
    assert TYPED not in os.environ
    monkeypatch.setenv(TYPED, "SEED ARGS")
    with pytest.raises(BadInput, match=r"^ARGS: unknown, allowed SEED, PYTHON$"):
        refuse_unknown(["SEED"])


@pytest.mark.parametrize(
    ("verb", "typed", "says"),
    [
        ("sim", ("SIEZ=384x216",), "SIEZ: unknown, allowed SIZE, TEST, SEED, "),
        ("sim", ("FRAME=a photo SIEZ=1", "MODE=x"), "MODE: found 'x'"),
        ("waves", ("run=x",), "run: unknown, allowed RUN, GUI"),
        ("regress", ("SUIT=smoke", "FILTER=it's $$x"), "SUIT: unknown, allowed SUITE, "),
        ("report", ("RUN=no such", "ARGS=--help"), "ARGS: unknown, allowed RUN"),
    ],
)
def test_make_hands_the_names_over(verb: str, typed: tuple[str, ...], says: str):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ran = subprocess.run(["make", verb, *typed], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"ocellus: {says}")
