"""What is left out is a place in the source, with a reason, and counts again when it is taken."""

import tomllib

import pytest

from ocellus.errors import BadInput
from ocellus_sim.coverage import code
from ocellus_sim.coverage.counts import Point
from ocellus_sim.coverage.tables import percent, ranges

FILE = "tb/coverage/turnstile.py"
RULE = {
    "file": FILE,
    "code": 'with m.State("shut"):',
    "to": "m.d.comb += self.o_shut.eq(1)",
    "why": "nobody can shut it",
}
SHUT = next(n for n, line in enumerate((code.ROOT / FILE).read_text().splitlines(), 1) if RULE["code"] in line)


def counts(shut: int) -> dict[Point, int]:
    """Of a run in which the turnstile was shut so often."""
    return {Point(FILE, SHUT, "taken"): shut, Point(FILE, SHUT + 1): shut, Point(FILE, SHUT - 1): 0}


def test_every_exclusion_of_the_plan_is_a_place_with_a_reason():
    rules = tomllib.loads((code.ROOT / code.PLAN).read_text())["excluded"]
    assert rules
    for rule in rules:
        lines = len((code.ROOT / rule["file"]).read_text().splitlines())
        points = [Point(rule["file"], n, rule.get("branch", "")) for n in range(1, lines + 1)]
        assert code._excluded(rule["file"], points, [rule]), rule["code"]
        assert len(rule["why"]) > 20


def test_what_is_excluded_counts_as_nothing_until_it_is_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(code, "_exclusions", lambda: [RULE])
    (file,) = code.files([counts(0)], "tb/coverage")
    assert sorted(file.excluded) == [Point(FILE, SHUT, "taken"), Point(FILE, SHUT + 1)]
    assert SHUT + 1 not in file.as_json()["missed"]
    (file,) = code.files([counts(3)], "tb/coverage")
    assert not file.excluded
    assert file.hits[Point(FILE, SHUT + 1)] == 3


def test_a_line_that_is_no_longer_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(code, "_exclusions", lambda: [RULE | {"code": "m.next = 'open'"}])
    with pytest.raises(BadInput, match="found 0 lines"):
        code.files([counts(0)], "tb/coverage")


def test_figures_are_full_only_where_nothing_is_missed():
    assert [percent(*pair) for pair in ((0, 0), (0, 3), (2, 3), (9999, 10000), (3, 3))] == [
        "",
        "0.0",
        "66.7",
        "99.9",
        "100",
    ]
    assert ranges([7, 3, 5, 6, 6]) == "3, 5-7"
