"""What a user may type behind `make sim`, and what is said about the rest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocellus.errors import BadInput
from ocellus.formats import Mode
from ocellus.settings import Window
from ocellus_sim.app.options import Options

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_given_is_a_4k_frame_of_seed_1():
    options = Options.read({})
    assert (options.seed, options.frames, options.mode, options.configuration.name) == (1, 1, Mode.METADATA, "ecp5")
    assert (options.frame.width, options.frame.height, options.frame.clocks_per_frame) == (3840, 2160, 2_475_000)
    assert options.command() == "make sim"


def test_a_region_of_interest_lies_inside_the_frame():
    assert Options.read({"ROI": "1920,1080,1920,1080"}).roi == Window(1920, 1080, 1920, 1080)


def test_the_command_repeats_the_run_or_its_first_frames():
    given = {"SEED": "7", "FRAMES": "4", "MODE": "image+metadata", "FRAME": "a photo.jpg", "HOME": "/root"}
    options = Options.read(given)
    assert options.command() == "make sim SEED=7 FRAMES=4 FRAME='a photo.jpg' MODE=image+metadata"
    assert options.command(3) == "make sim SEED=7 FRAMES=3 FRAME='a photo.jpg' MODE=image+metadata"
    assert options.command(1) == "make sim SEED=7 FRAME='a photo.jpg' MODE=image+metadata"


def test_waves_of_a_failure_and_a_viewer_are_asked_for():
    options = Options.read({"WAVES": "fail", "GUI": "1"})
    assert (options.waves, options.trace_failure, options.gui) == (False, True, True)
    assert options.command() == "make sim WAVES=fail"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("SEED", "-1", "whole numbers from 0"),
        ("SEED", "one", "whole numbers from 0"),
        ("SEED", "٣", "whole numbers from 0"),
        ("SEED", "99999999999999999999", "whole numbers from 0"),
        ("FRAMES", "0", "whole numbers from 1"),
        ("MODE", "video", "metadata, image, image+metadata"),
        ("CONFIG", "huge", "CONFIG: found 'huge', allowed tiny, ecp5"),
        ("WAVES", "yes", "0, 1 and fail"),
        ("GUI", "yes", "0 and 1"),
        ("SIZE", "4k", "WIDTHxHEIGHT"),
        ("SIZE", "3838x2160", "SIZE: frame width: found 3838, allowed multiples of 4"),
        ("SIZE", "3840x2161", "even numbers"),
        ("ROI", "0,0,640", "X,Y,WIDTH,HEIGHT"),
        ("ROI", "0,0,641,360", "even numbers"),
        ("ROI", "0,0,0,360", "2x2 and larger"),
        ("ROI", "3300,0,640,360", "inside 3840x2160"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(variable: str, value: str, allowed: str):
    with pytest.raises(BadInput, match="found") as refusal:
        Options.read({variable: value})
    assert allowed in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(
    st.dictionaries(
        st.sampled_from(["SEED", "FRAMES", "MODE", "CONFIG", "WAVES", "GUI", "SIZE", "ROI"]), st.text(max_size=12)
    )
)
def test_arbitrary_text_is_taken_or_refused(variables: dict[str, str]):
    try:
        options = Options.read(variables)
    except BadInput:
        return
    assert options.frames >= 1


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODE", "video", "MODE: found 'video'"),
        ("TEST", "ips", "TEST: found 'ips', allowed tests of: isp, "),
        ("FRAME", "no/such.jpg", "FRAME: no/such.jpg: found no such file"),
        ("FRAME", __file__, "FRAME: "),
        ("MODEL", __file__, "test_options.py"),
        ("MODEL", "no/such.tflite", "MODEL: no/such.tflite"),
    ],
)
def test_the_command_says_one_sentence_and_ends_with_2(variable: str, value: str, said: str):
    ran = subprocess.run(
        [sys.executable, "-m", "ocellus_sim.app"],
        env={**os.environ, variable: value}, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr.startswith("ocellus: ")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == "", "no empty line before it"
