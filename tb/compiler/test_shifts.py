"""A scale that a requantiser lane cannot shift by is refused."""

from types import SimpleNamespace
from typing import Any

import pytest

from ocellus.compiler.engine.assembly import _check_shifts
from ocellus.compiler.quantisation import Factor
from ocellus.errors import BadInput
from ocellus.program_formats import LARGEST_SHIFT


def plan(shift: int, result: int = 0) -> Any:
    combination = SimpleNamespace(result=Factor(1 << 30, result))
    layer = SimpleNamespace(factors=[Factor(1 << 30, shift)], combination=combination, operators=["operator 3 (MUL)"])
    return SimpleNamespace(layers=[layer], network=SimpleNamespace(file="net.tflite"))


@pytest.mark.parametrize("large", [plan(LARGEST_SHIFT + 1), plan(0, LARGEST_SHIFT + 1)], ids=["sums", "epilogue"])
def test_larger_shifts_to_the_left_are_refused(large: Any):
    with pytest.raises(
        BadInput, match=r"^net.tflite: operator 3 \(MUL\): found a scale .* 2\^7 times .* less than 2\^7"
    ):
        _check_shifts(large)
    _check_shifts(plan(LARGEST_SHIFT, LARGEST_SHIFT))
