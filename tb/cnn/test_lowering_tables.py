"""Tables of ONNX Runtime's float32 functions equal the golden model's for every byte, at scales of all sizes."""

import numpy as np
import pytest

from ocellus.compiler.graph import Kind, Network, Operator, Runtime, Tensor
from ocellus.compiler.onnx_tables import FLOAT_TABLE_KINDS, float_table
from ocellus_sim.golden import cnn_onnx

EVERY_BYTE = np.arange(-128, 128).astype(np.int8)


def ends(random: np.random.Generator) -> list[Tensor]:
    """Input and output, their scales far apart or alike, and exact powers of two now and then."""
    exponents = random.uniform(-9, 1, 2)
    exponents = np.round(exponents) if random.random() < 0.3 else exponents
    return [
        Tensor(name, (1, 16, 16, 1), (float(np.float32(2.0**exponent)),), int(random.integers(-128, 128)))
        for name, exponent in zip("xy", exponents, strict=True)
    ]


@pytest.mark.parametrize("kind", [kind for kind in FLOAT_TABLE_KINDS if kind is not Kind.CONCATENATION])
def test_tables_equal_golden_for_every_byte(kind):
    random = np.random.default_rng(6)
    for _ in range(200):
        x, y = ends(random)
        operator = Operator(0, kind, ("x",), "y", alpha=float(np.float32(random.uniform(-1, 2))))
        network = Network("n", "n.onnx", 0, {"x": x, "y": y}, (operator,), "x", "y", runtime=Runtime.ONNX)
        want = cnn_onnx.run(network, EVERY_BYTE.reshape(x.shape))["y"].ravel()
        assert (float_table(operator, x, y) == want).all(), (x, y)
