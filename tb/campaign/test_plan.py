"""The test plan names what is there; a broken one is refused, and says where it is broken."""

import ast
from pathlib import Path

import pytest

from ocellus.errors import BadInput
from ocellus_sim.campaign.plan import PLAN, Plan

TB = PLAN.parent
GOOD = """
[[stage]]
name = "isp"
seconds = 10
suites = { nightly = 1 }

[[test]]
name = "image"
shows = "the whole picture leaves"
variables = { MODE = "image" }
suites = { smoke = 1, nightly = 20 }

[[feature]]
stage = "isp"
feature = "it shines"
tests = ["isp::test_light", "isp::it_glows", "image"]
status = "done"
"""


def all_functions(stage: str) -> set[str]:
    """Every function below tb/<stage>, however deep and of whatever kind."""
    return {
        node.name
        for path in (TB / stage).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_test_that_the_plan_names_exists():
    plan = Plan.read()
    named = [test for feature in plan.features for test in feature.tests]
    assert len(plan.features) > 80
    runs = {run.name for run in plan.runs}
    known = {stage.name: all_functions(stage.name) for stage in plan.stages}
    for test in named:
        stage, is_function, function = test.partition("::")
        assert function in known[stage] if is_function else test in runs, test
    assert runs <= set(named), "runs that show nothing"


def test_every_stage_with_tests_is_in_the_plan_and_has_features():
    plan = Plan.read()
    with_tests = {path.parent.name for path in TB.glob("*/test_*.py")}
    assert {stage.name for stage in plan.stages} == with_tests
    assert {feature.stage for feature in plan.features} == with_tests


def test_a_night_has_three_hundred_frames_at_4k():
    uhd = [run for run in Plan.read().runs if not {"SIZE"} & set(run.variables)]
    assert sum(run.frames.get("nightly", 0) for run in uhd) >= 300


@pytest.fixture
def broken(tmp_path: Path):
    """Reads the good plan with one thing replaced."""
    (tmp_path / "isp").mkdir()
    (tmp_path / "isp" / "test_isp.py").write_text("def test_light():\n    pass\n\n\ndef helper():\n    pass\n")
    (tmp_path / "isp" / "isp_bench.py").write_text("@cocotb.test()\nasync def it_glows(dut):\n    pass\n")

    def read(old: str, new: str) -> Plan:
        assert old in GOOD
        (tmp_path / "testplan.toml").write_text(GOOD.replace(old, new))
        return Plan.read(tmp_path / "testplan.toml")

    return read


def test_a_plan_is_read(broken):
    plan = broken("", "")
    assert plan.runs[0].frames == {"smoke": 1, "nightly": 20}
    assert plan.runs[0].variables == {"MODE": "image"}
    assert plan.features[0].tests == ("isp::test_light", "isp::it_glows", "image")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('stage = "isp"', 'stage = "ips"', "feature 'it shines': found stage 'ips', allowed isp"),
        ("isp::test_light", "ips::test_light", "found stage 'ips' in 'ips::test_light', allowed isp"),
        ("isp::test_light", "isp::test_dark", "found 'isp::test_dark', which is no test in "),
        ("isp::test_light", "isp::helper", "found 'isp::helper', which is no test in "),
        ('"image"]', '"picture"]', "found test 'picture', allowed <stage>::<function> and the name of a run"),
        ('"image"]', '"isp::test_light"]', "found a test twice"),
        ('status = "done"', 'status = "good"', "found status 'good', allowed done, partly, missing"),
        ('status = "done"', 'status = "missing"', "found 3 tests and status 'missing'"),
        ('status = "done"', "", "found no status"),
        ('status = "done"', 'state = "done"', "found state, allowed"),
        ('name = "image"', 'name = "an image"', "found this name, allowed small letters"),
        ('name = "image"', 'name = "isp"', "found the name of a stage"),
        ("smoke = 1", "fog = 1", "found suites fog, allowed smoke, nightly, weekly"),
        ("smoke = 1", "smoke = 0", "allowed whole numbers from 1"),
        ("seconds = 10", 'seconds = "ten"', "found seconds = 'ten', allowed numbers"),
        ('{ MODE = "image" }', "{ FRAMES = '3' }", "found FRAMES in variables"),
        ("[[test]]", "[test]", "found dict, allowed tables [[test]]"),
        ("[[test]]", "[[test]", "found no readable test plan"),
        ('name = "isp"', 'name = "tensor"', "stage 'tensor': found no tests in "),
        ("[[test]]", GOOD[1 : GOOD.index("[[test]]")] + "[[test]]", "stage 'isp': found 2 times, allowed once"),
    ],
)
def test_a_broken_plan_is_refused_with_its_place(broken, old: str, new: str, says: str):
    with pytest.raises(BadInput) as refusal:
        broken(old, new)
    assert says in str(refusal.value)
    assert str(refusal.value).startswith("testplan.toml")
    assert "\n" not in str(refusal.value)


def test_a_feature_that_stands_twice_is_refused(broken):
    feature = GOOD[GOOD.index("[[feature]]") :]
    with pytest.raises(BadInput, match="feature 'isp: it shines': found 2 times"):
        broken(feature, feature + feature)


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"testplan\.toml: found no readable test plan"):
        Plan.read(tmp_path / "testplan.toml")
