"""A float network put through ONNX Runtime's own converter, in each way it writes quantised files."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

SHAPE = (1, 3, 32, 32)


class _Samples(CalibrationDataReader):
    """Eight noise pictures."""

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        self._left = iter([{"x": random.normal(0, 1, SHAPE).astype(np.float32)} for _ in range(8)])

    def get_next(self) -> dict[str, np.ndarray]:
        """The next one; nothing at the end."""
        return next(self._left, {})


class _FloatNetwork:
    """Nodes and seeded weights of a network with a residual, a gate, a concatenation and a head."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"node{len(self.nodes)}", **attributes))
        return name

    def convolution(self, x: str, depth: int, channels: int, kernel: int, stride: int = 1, groups: int = 1) -> str:
        taps = depth // groups * kernel * kernel
        weights = self.random.normal(0, (2 / taps) ** 0.5, (channels, depth // groups, kernel, kernel))
        bias = self.constant(self.random.normal(0, 0.1, channels))
        return self.node(
            "Conv", x, self.constant(weights), bias,
            kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, strides=[stride] * 2, group=groups,
        )  # fmt: skip

    def model(self) -> onnx.ModelProto:
        x = self.node("Relu", self.convolution("x", 3, 16, 3, stride=2))
        y = self.node("Clip", self.convolution(x, 16, 16, 3, groups=16), self.constant(0), self.constant(6))
        x = self.node("LeakyRelu", self.node("Add", x, self.convolution(y, 16, 16, 1)), alpha=0.1)
        z = self.convolution(x, 16, 8, 1)
        x = self.node("Concat", self.node("Mul", z, self.node("Sigmoid", z)), x, axis=1)
        x = self.convolution(self.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 24, 24, 3)
        x = self.node("AveragePool", self.node("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
        x = self.node("Flatten", self.node("GlobalAveragePool", x))
        weights, bias = self.random.normal(0, 0.3, (10, 24)), self.random.normal(0, 0.1, 10)
        x = self.node("Softmax", self.node("Gemm", x, self.constant(weights), self.constant(bias), transB=1))
        ends = [helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", SHAPE), (x, (1, 10)))]
        graph = helper.make_graph(self.nodes, "float", ends[:1], ends[1:], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def converted(form: str, unsigned: bool, per_channel: bool) -> bytes:
    """The ``.onnx`` file that the converter makes; ``form`` is ``qdq`` or ``qoperator``."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it asks for a preprocessing that this network does not need
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
            onnx.save(_FloatNetwork().model(), source)
            quantize_static(
                source, target, _Samples(), per_channel=per_channel,
                quant_format=QuantFormat.QDQ if form == "qdq" else QuantFormat.QOperator,
                activation_type=QuantType.QUInt8 if unsigned else QuantType.QInt8, weight_type=QuantType.QInt8,
                extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
            )  # fmt: skip
            return target.read_bytes()
    finally:
        logging.disable(level)
