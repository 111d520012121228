"""Tables of functions: ONNX Runtime's equal the golden model's for every byte, and there are so many."""

import numpy as np
import pytest

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.graph import Kind, Network, Operator, Runtime, Tensor
from ocellus.compiler.onnx_tables import FLOAT_TABLE_KINDS, float_table
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from ocellus_sim.golden import cnn_onnx
from tb.oracle.builder import ModelBuilder, Quantisation

EVERY_BYTE = np.arange(-128, 128).astype(np.int8)


def ends(random: np.random.Generator) -> list[Tensor]:
    """Input and output, their scales far apart or alike, and exact powers of two now and then."""
    exponents = random.uniform(-9, 1, 2)
    exponents = np.round(exponents) if random.random() < 0.3 else exponents
    return [
        Tensor(name, (1, 16, 16, 1), (float(np.float32(2.0**exponent)),), int(random.integers(-128, 128)))
        for name, exponent in zip("xy", exponents, strict=True)
    ]


def assert_table_equals_golden(operator: Operator, x: Tensor, y: Tensor) -> None:
    """In all 256 bytes."""
    network = Network("n", "n.onnx", 0, {"x": x, "y": y}, (operator,), "x", "y", runtime=Runtime.ONNX)
    want = cnn_onnx.run(network, EVERY_BYTE.reshape(x.shape))["y"].ravel()
    assert (float_table(operator, x, y) == want).all(), (x, y)


@pytest.mark.parametrize("kind", [kind for kind in FLOAT_TABLE_KINDS if kind is not Kind.CONCATENATION])
def test_tables_equal_golden_for_every_byte(kind):
    random = np.random.default_rng(6)
    for _ in range(200):
        x, y = ends(random)
        operator = Operator(0, kind, ("x",), "y", alpha=float(np.float32(random.uniform(-1, 2))))
        assert_table_equals_golden(operator, x, y)


@pytest.mark.parametrize(
    ("kind", "x", "y"),
    [
        (Kind.LOGISTIC, (0.04459904879331589, 50), (0.000998755800537765, -26)),
        (Kind.LOGISTIC, (0.04747878387570381, -58), (0.0034972713328897953, -103)),
        (Kind.TANH, (0.09124186635017395, -34), (0.005700200796127319, -86)),
    ],
)
def test_tables_at_scales_where_products_must_not_be_rounded_before_they_are_added(kind, x, y):
    ends = [Tensor(name, (1, 16, 16, 1), (scale,), zero) for name, (scale, zero) in zip("xy", (x, y), strict=True)]
    assert_table_equals_golden(Operator(0, kind, ("x",), "y"), *ends)


def leaky_functions(count: int) -> bytes:
    """LEAKY_RELU after LEAKY_RELU, each with a slope of its own."""
    model, q = ModelBuilder(), Quantisation(0.05, 3)
    x = model.input((1, 4, 4, 4), q)
    for n in range(count):
        x = model.leaky_relu(x, 0.1 + 0.05 * n, q)
    return model.build(x)


def test_more_functions_than_tables_are_refused_by_name():
    sizes = CONFIGURATIONS["ecp5"]
    compile_network(parse_network(leaky_functions(sizes.tables)), sizes)
    with pytest.raises(BadInput, match=r"operator 8 \(LEAKY_RELU\): found another function than the 8 tables hold"):
        compile_network(parse_network(leaky_functions(sizes.tables + 1)), sizes)
