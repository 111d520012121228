"""What the operators on single elements ask: sums, differences, products and functions of one tensor."""

import numpy as np

from ..errors import BadInput
from .checks_common import check_activations, check_multiplier, check_quantisation, check_shape
from .graph import Kind, Operator, Tensor


def check_sum(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """ADD and SUB: TensorFlow Lite wants the last multiplier below 1."""
    _check_pair(at, inputs, output)
    least = 2 * max(t.scale for t in inputs) / 2.0**20
    if output.scale <= least:
        raise BadInput(f"{at}: tensor {output.name!r}: found scale {output.scale:g}, allowed above {least:g}")


def check_product(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """MUL."""
    _check_pair(at, inputs, output)
    check_multiplier(at, output, inputs[0].scale * inputs[1].scale / output.scale)


def _check_pair(at: str, inputs: list[Tensor], output: Tensor) -> None:
    """Equal shapes, or one that repeats where it has size 1."""
    check_activations(at, *inputs, output)
    small, large = sorted(inputs, key=lambda t: (t.size, len(t.shape)))
    if not _repeats(small.shape, large.shape):
        a, b = (t.shape for t in inputs)
        raise BadInput(
            f"{at}: found shapes {a} and {b}, allowed equal ones, or 1 for any dimension of one of them, "
            "or one of fewer dimensions with 1 in all but the last"
        )
    check_shape(at, output, large.shape)


def _repeats(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether ``small`` fills ``large`` when dimensions of size 1 repeat, seen as pictures as well as by shape."""
    if len(small) > len(large):
        return False
    if len(small) < len(large) and any(n != 1 for n in small[:-1]):
        return False
    padded = (1,) * (len(large) - len(small)) + small
    if any(n not in (1, m) for n, m in zip(padded, large, strict=True)):
        return False
    return len(large) == 4 or padded[:-1] == large[:-1] or all(n == 1 for n in padded[:-1])


def check_prelu(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """PRELU with slopes that repeat along dimensions of size 1."""
    x, slopes = inputs
    check_activations(at, x, slopes, output)
    if not _repeats(slopes.shape, x.shape):
        raise BadInput(
            f"{at}: tensor {slopes.name!r}: found shape {slopes.shape}, allowed that of the input, {x.shape}, "
            "or 1 for any of its dimensions"
        )
    check_shape(at, output, x.shape)
    check_multiplier(at, output, max(x.scale, x.scale * slopes.scale) / output.scale)


def check_function(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """QUANTIZE, the RELU family, LEAKY_RELU, LOGISTIC, TANH, HARD_SWISH."""
    (x,) = inputs
    check_activations(at, x, output)
    check_shape(at, output, x.shape)
    match operator.kind:
        case Kind.LOGISTIC:
            check_quantisation(at, output, 1 / 256, -128)
        case Kind.TANH if output.scale < 2.0**-20:
            raise BadInput(f"{at}: tensor {output.name!r}: found scale {output.scale:g}, allowed 2^-20 and more")
        case Kind.HARD_SWISH:
            _check_hard_swish(at, x, output)
        case Kind.LEAKY_RELU if not abs(operator.alpha) <= 2.0**20:
            raise BadInput(f"{at}: found alpha {operator.alpha:g}, allowed -2^20 to 2^20")
        case _:
            check_multiplier(at, output, x.scale * max(abs(operator.alpha), 1) / output.scale)


def _check_hard_swish(at: str, x: Tensor, output: Tensor) -> None:
    """Its 16-bit shifts reach so far."""
    quotient = float(np.float32(x.scale) * np.float32(1 / 128) / np.float32(output.scale))
    if not 2.0**-14 <= quotient < 1:
        raise BadInput(
            f"{at}: tensor {output.name!r}: found scale {output.scale:g}, "
            f"allowed above {x.scale / 128:g} and up to {x.scale * 128:g}"
        )
    if not 2.0**-20 <= x.scale <= 2.0**6:
        raise BadInput(f"{at}: tensor {x.name!r}: found scale {x.scale:g}, allowed 2^-20 to 2^6")


def check_softmax(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """SOFTMAX over the last axis."""
    x = inputs[0]
    check_activations(at, x, output)
    check_shape(at, output, x.shape)
    if not x.shape:
        raise BadInput(f"{at}: tensor {x.name!r}: found no dimensions, allowed 1 and more")
    if not 2.0**-26 < operator.beta * x.scale < 2.0**20:
        raise BadInput(f"{at}: found beta {operator.beta:g} at scale {x.scale:g}, allowed a product of 2^-26 to 2^20")
    check_quantisation(at, output, 1 / 256, -128)
