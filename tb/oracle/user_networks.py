"""Random float networks put through ONNX Runtime's own converter, as users do it."""

import contextlib
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

_BLOCKS = (
    "conv", "conv", "pointwise", "depthwise", "add", "mul", "concat", "average", "max", "relu", "clip", "leaky",
    "prelu", "hard_swish", "sigmoid", "tanh", "silu", "pad", "resize", "squeeze", "sub", "scale", "slice", "rare",
)  # fmt: skip


class _Samples(CalibrationDataReader):
    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        random = np.random.default_rng(seed)
        self._left = iter([{"x": random.normal(0, 1, shape).astype(np.float32)} for _ in range(4)])

    def get_next(self) -> dict[str, np.ndarray]:
        """The next one; nothing at the end."""
        return next(self._left, {})


class _FloatNetwork:
    """A chain of random blocks, now and then with a branch, and a head."""

    def __init__(self, seed: int, blocks: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shape: tuple[int, ...] = (1, self.number(1, 8), self.number(5, 14), self.number(5, 14))
        self.input = self.shape
        x = self._conv("x") if self.random.random() < 0.9 else "x"
        for _ in range(blocks):
            kind = str(self.random.choice(_BLOCKS))
            x = getattr(self, f"_{kind}")(x)
        self.output = self._head(x) if self.random.random() < 0.7 else x

    def number(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"node{len(self.nodes)}", **attributes))
        return name

    def convolution(self, x: str, channels: int, kernel: int, groups: int = 1) -> str:
        _, depth, rows, columns = self.shape
        stride, pad = self.number(1, 2), self.number(0, kernel // 2)
        if min(rows, columns) + 2 * pad < kernel:
            kernel, pad = 1, 0
        taps = depth // groups * kernel * kernel
        weights = self.random.normal(0, (2 / taps) ** 0.5, (channels, depth // groups, kernel, kernel))
        bias = [self.constant(self.random.normal(0, 0.1, channels))] if self.random.random() < 0.8 else []
        size = [(n + 2 * pad - kernel) // stride + 1 for n in (rows, columns)]
        self.shape = (1, channels, size[0], size[1])
        return self.node(
            "Conv", x, self.constant(weights), *bias,
            kernel_shape=[kernel] * 2, pads=[pad] * 4, strides=[stride] * 2, group=groups,
        )  # fmt: skip

    def _conv(self, x: str) -> str:
        return self._acted(self.convolution(x, self.number(1, 20), self.number(1, 2) * 2 + 1))

    def _pointwise(self, x: str) -> str:
        return self._acted(self.convolution(x, self.number(1, 24), 1))

    def _depthwise(self, x: str) -> str:
        return self._acted(self.convolution(x, self.shape[1], 3, self.shape[1]))

    def _acted(self, x: str) -> str:
        """With a normalisation and an activation behind it, as networks have them."""
        if self.random.random() < 0.03:
            channels = self.shape[1]
            ones, noise = np.ones(channels), self.random.normal(0, 0.2, (3, channels))
            statistics = (self.constant(v) for v in (ones + noise[0], noise[1], noise[2], ones * 0.8))
            x = self.node("BatchNormalization", x, *statistics)
        return self._relu(x) if self.random.random() < 0.5 else x

    def _relu(self, x: str) -> str:
        return self.node("Relu", x)

    def _clip(self, x: str) -> str:
        low, high = ((0, 6), (-1, 1), (0, 3), (-2, 2.5))[self.number(0, 3)]
        return self.node("Clip", x, self.constant(low), self.constant(high))

    def _leaky(self, x: str) -> str:
        return self.node("LeakyRelu", x, alpha=float(self.random.uniform(0.01, 0.4)))

    def _prelu(self, x: str) -> str:
        return self.node("PRelu", x, self.constant(self.random.uniform(-0.2, 0.5, (self.shape[1], 1, 1))))

    def _hard_swish(self, x: str) -> str:
        return self.node("HardSwish", x)

    def _sigmoid(self, x: str) -> str:
        return self.node("Sigmoid", x)

    def _tanh(self, x: str) -> str:
        return self.node("Tanh", x)

    def _silu(self, x: str) -> str:
        return self.node("Mul", x, self.node("Sigmoid", x))

    def _branch(self, kind: str, x: str) -> str:
        shape = self.shape
        weights = self.random.normal(0, shape[1] ** -0.5, (shape[1], shape[1], 1, 1))
        return self.node(kind, x, self.node("Conv", x, self.constant(weights), kernel_shape=[1, 1]))

    def _add(self, x: str) -> str:
        return self._branch("Add", x)

    def _sub(self, x: str) -> str:
        return self._branch("Sub", x)

    def _mul(self, x: str) -> str:
        return self._branch("Mul", x)

    def _scale(self, x: str) -> str:
        return self.node(
            ("Mul", "Add")[self.number(0, 1)], x, self.constant(self.random.normal(0, 1, (self.shape[1], 1, 1)))
        )

    def _concat(self, x: str) -> str:
        weights = self.random.normal(0, 0.5, (self.number(1, 9), self.shape[1], 1, 1))
        y = self.node("Conv", x, self.constant(weights), kernel_shape=[1, 1])
        self.shape = (1, self.shape[1] + weights.shape[0], *self.shape[2:])
        return self.node("Concat", x, y, axis=1)

    def _pool(self, kind: str, x: str, **attributes: Any) -> str:
        kernel, stride = self.number(1, 3), self.number(1, 2)
        if min(self.shape[2:]) < kernel:
            return x
        size = [(n - kernel) // stride + 1 for n in self.shape[2:]]
        self.shape = (1, self.shape[1], size[0], size[1])
        return self.node(kind, x, kernel_shape=[kernel] * 2, strides=[stride] * 2, **attributes)

    def _average(self, x: str) -> str:
        return self._pool("AveragePool", x, count_include_pad=self.number(0, 1))

    def _max(self, x: str) -> str:
        return self._pool("MaxPool", x)

    def _pad(self, x: str) -> str:
        top, left, bottom, right = (self.number(0, 2) for _ in range(4))
        self.shape = (1, self.shape[1], self.shape[2] + top + bottom, self.shape[3] + left + right)
        pads = self.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
        return self.node("Pad", x, pads, self.constant(0.0))

    def _rare(self, x: str) -> str:
        return self._transposed(x) if self.number(0, 3) == 0 else self._average(x)

    def _resize(self, x: str) -> str:
        if self.shape[2] * self.shape[3] > 400:
            return x
        mode = "linear" if self.number(0, 9) == 0 else "nearest"
        self.shape = (1, self.shape[1], self.shape[2] * 2, self.shape[3] * 2)
        return self.node(
            "Resize", x, "", self.constant([1, 1, 2, 2]), mode=mode,
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip

    def _transposed(self, x: str) -> str:
        weights = self.random.normal(0, 0.4, (self.shape[1], self.number(1, 8), 2, 2))
        self.shape = (1, weights.shape[1], self.shape[2] * 2, self.shape[3] * 2)
        return self.node("ConvTranspose", x, self.constant(weights), kernel_shape=[2, 2], strides=[2, 2])

    def _squeeze(self, x: str) -> str:
        """A gate for each channel."""
        channels = self.shape[1]
        weights = self.random.normal(0, channels**-0.5, (channels, channels, 1, 1))
        y = self.node("Conv", self.node("GlobalAveragePool", x), self.constant(weights), kernel_shape=[1, 1])
        return self.node("Mul", x, self.node("HardSigmoid" if self.number(0, 9) == 0 else "Sigmoid", y))

    def _slice(self, x: str) -> str:
        begin = self.number(0, self.shape[1] - 1)
        self.shape = (1, self.shape[1] - begin, *self.shape[2:])
        names = [self.constant([n], np.int64) for n in (begin, 1 << 30, 1)]
        return self.node("Slice", x, *names)

    def _head(self, x: str) -> str:
        _, channels, rows, columns = self.shape
        pooled = self.random.random() < 0.6
        if pooled:
            x = (
                self.node("GlobalAveragePool", x)
                if self.number(0, 2)
                else self.node("ReduceMean", x, axes=[2, 3], keepdims=1)
            )
        depth = channels if pooled else channels * rows * columns
        flat = ("Reshape", [self.constant([1, -1], np.int64)]) if self.number(0, 1) else ("Flatten", [])
        x = self.node(flat[0], x, *flat[1])
        outputs = self.number(2, 10)
        weights = self.random.normal(0, depth**-0.5, (depth, outputs))
        if self.number(0, 1):
            x = self.node("Gemm", x, self.constant(weights), self.constant(self.random.normal(0, 0.1, outputs)))
        else:
            x = self.node("MatMul", x, self.constant(weights))
            x = self.node("Add", x, self.constant(self.random.normal(0, 0.1, outputs))) if self.number(0, 1) else x
        self.shape = (1, outputs)
        return self.node("Softmax", x, axis=1) if self.number(0, 1) else x

    def model(self) -> onnx.ModelProto:
        ends = [
            helper.make_tensor_value_info(name, 1, shape)
            for name, shape in (("x", self.input), (self.output, self.shape))
        ]
        graph = helper.make_graph(self.nodes, "float", ends[:1], ends[1:], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def user_network(seed: int) -> bytes | None:
    """An ``.onnx`` file as the converter makes it; everything follows from the seed. None where the converter fails."""
    random = np.random.default_rng(seed + 1_000_000)
    network = _FloatNetwork(seed, int(random.integers(1, 7)))
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it asks for a preprocessing
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
            onnx.save(network.model(), source)
            unsigned = bool(random.integers(2))
            with contextlib.redirect_stdout(None):
                quantize_static(
                    source, target, _Samples(network.input, seed), per_channel=bool(random.integers(2)),
                    quant_format=(QuantFormat.QDQ, QuantFormat.QOperator)[int(random.integers(2))],
                    activation_type=QuantType.QUInt8 if unsigned else QuantType.QInt8,
                    weight_type=QuantType.QInt8 if random.random() < 0.85 else QuantType.QUInt8,
                    extra_options={"ActivationSymmetric": bool(random.random() < 0.2)},
                )  # fmt: skip
            return target.read_bytes()
    except (ValueError, RuntimeError, TypeError, KeyError):
        return None
    finally:
        logging.disable(level)
