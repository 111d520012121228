"""What TEST= names: runs of the test plan, stages, functions; and what is said of other names."""

import pytest

from ocellus.errors import BadInput
from ocellus.formats import Mode
from ocellus_sim.app.choice import StageTests, choose
from ocellus_sim.app.options import Options
from ocellus_sim.campaign.plan import ROOT, Plan


def test_a_named_run_is_its_variables():
    named = {run.name: run for run in Plan.read().runs}["image"]
    options = choose({"TEST": "image"})
    assert isinstance(options, Options)
    assert options.mode == Mode.IMAGE
    assert options.seed == named.seed
    assert options.command() == "make sim TEST=image"


def test_variables_that_are_typed_count_more():
    options = choose({"TEST": "image", "MODE": "metadata", "SEED": "9", "FRAMES": "3"})
    assert isinstance(options, Options)
    assert (options.mode, options.seed, options.frames) == (Mode.METADATA, 9, 3)
    assert options.command() == "make sim TEST=image SEED=9 FRAMES=3 MODE=metadata"
    assert options.command(2) == "make sim TEST=image SEED=9 FRAMES=2 MODE=metadata"


def test_every_run_of_the_plan_can_be_chosen():
    for run in Plan.read().runs:
        assert isinstance(choose({"TEST": run.name}), Options)


def test_a_stage_and_a_function_of_it():
    whole = choose({"TEST": "isp"})
    assert isinstance(whole, StageTests)
    assert whole.targets() == ["tb/isp"]
    one = choose({"TEST": "isp::test_pixels_equal_the_golden_model"})
    assert isinstance(one, StageTests)
    assert one.targets() == ["tb/isp/test_isp.py::test_pixels_equal_the_golden_model"]
    inside = choose({"TEST": "isp::frames_equal_the_golden_model"})
    assert isinstance(inside, StageTests)
    assert inside.targets() == ["tb/isp"], "pytest does not know cocotb's tests"
    for target in (*whole.targets(), *one.targets()):
        assert (ROOT / target.partition("::")[0]).exists()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("imge", "allowed runs: image, "),
        ("tensr", "allowed tests of: tensor, "),
        ("isp::test_pixels_equal_golden_model", "allowed isp::test_pixels_equal_the_golden_model"),
        ("isp::", "allowed isp::"),
        ("::", "allowed "),
    ],
)
def test_another_name_is_refused_with_the_nearest_first(name: str, first: str):
    with pytest.raises(BadInput) as refusal:
        choose({"TEST": name})
    assert f"TEST: found {name!r}, {first}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_runs_and_stages_are_listed_apart():
    with pytest.raises(BadInput, match=r"allowed runs: image, .*; tests of: [a-z]+, [a-z, ]+$"):
        choose({"TEST": "imge"})
