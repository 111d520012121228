"""ONNX Runtime on the processor, every quantised tensor kept, its quantised kernels seen to be the ones that run."""

import importlib
import platform
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

_FLOAT = ("Conv", "Gemm", "MatMul", "Add", "Mul", "AveragePool", "GlobalAveragePool", "Concat", "LeakyRelu", "Sigmoid")
"""Operators that have a quantised form: left in float they would mean that the oracle is none."""

_MOVES = (
    "MaxPool", "Slice", "Resize", "Concat", "Pad", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
    "Identity",
)  # fmt: skip
"""Operators that also take bytes as they are."""

REFUSALS: tuple[type[Exception], ...] = (
    ValueError, RuntimeError,
    *(
        kind for kind in vars(importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
)  # fmt: skip
"""What a file may end in here; ONNX Runtime has an exception for each of its status codes."""

onnxruntime.set_default_logger_severity(3)


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # On x86-64 int8 tensors are otherwise made uint8 where that is easy, and computed in float where it is not.
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        nodes = onnx.load(options.optimized_model_filepath).graph.node
    of_a_function = {i for n in nodes if n.op_type == "Mul" for i in n.input} & {
        n.output[0] for n in nodes if n.op_type == "HardSigmoid"
    }  # HardSwish, which is a float function
    left = [n.op_type for n in nodes if n.op_type in _FLOAT and not of_a_function & set(n.input)]
    if left:
        raise ValueError(f"found {left} in float in the optimised model, allowed their quantised forms")
    return session


def quantised_outputs(model: onnx.ModelProto) -> list[str]:
    """The names of all tensors that QuantizeLinear or a quantised operator makes, or that are moved bytes of these."""
    types = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    of_bytes = {i.name for i in model.graph.input if i.type.tensor_type.elem_type in types}
    names = []
    for node in model.graph.node:
        moves = node.op_type in _MOVES and (node.input[0] in names or node.input[0] in of_bytes)
        if moves or node.op_type == "QuantizeLinear" or node.op_type.startswith(("QLinear", "QGemm")):
            names.append(node.output[0])
    return names


class Interpreted:
    """An ``.onnx`` file ready to run, every quantised tensor an output; ValueError where kernels in float would run."""

    def __init__(self, content: bytes) -> None:
        self._model = model = onnx.ModelProto.FromString(content)
        held = {o.name for o in model.graph.output}
        for name in quantised_outputs(model):
            if name not in held:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
        self._session = _session(model)
        self._input = self._session.get_inputs()[0]

    @property
    def input_type(self) -> str:
        """``tensor(float)``, ``tensor(int8)`` or ``tensor(uint8)``."""
        return self._input.type

    @property
    def channels_first(self) -> bool:
        """Whether a picture comes so: unless a Transpose is the first that happens to it."""
        name = self._input.name
        if len(self._input.shape) != 4:
            return False
        while readers := [n for n in self._model.graph.node if name in n.input]:
            if readers[0].op_type == "Transpose":
                return False
            if len(readers) > 1 or readers[0].op_type not in ("QuantizeLinear", "DequantizeLinear"):
                return True
            name = readers[0].output[0]
        return True

    def outputs(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Every quantised tensor by its name, in the file's shape and type; so is ``x``."""
        names = [o.name for o in self._session.get_outputs()]
        found = self._session.run(None, {self._input.name: x})
        return {name: np.asarray(y) for name, y in zip(names, found, strict=True)}


def run(content: bytes, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every quantised tensor by its name, in the file's shape and type.

    Parameters
    ----------
    content : bytes
        The ``.onnx`` file.
    x : ndarray
        The input, of the shape and type the file says.
    """
    return Interpreted(content).outputs(x)


def as_golden(x: np.ndarray, unsigned: bool) -> np.ndarray:
    """A tensor of the file as the graph has it: int8, channels last."""
    if unsigned:
        x = (x.astype(np.int16) - 128).astype(np.int8)
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def is_the_measure() -> bool:
    """Whether this processor runs the kernels that are meant: x86-64, int8 products added without saturating (VNNI)."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    return all(_adds_exactly(signed) for signed in (True, False))


def _adds_exactly(signed: bool) -> bool:
    """Whether the largest sums of a matrix product are right, of int8 or of uint8: each has a kernel of its own."""
    info, helper = onnx.TensorProto, onnx.helper
    kind, low, high = (info.INT8, -128, 127) if signed else (info.UINT8, 0, 255)
    constants = [
        helper.make_tensor("s", info.FLOAT, [], [1.0]),
        helper.make_tensor("l", info.FLOAT, [], [2.0**20]),
        helper.make_tensor("z", info.INT8, [], [0]),
        helper.make_tensor("low", kind, [], [low]),
        helper.make_tensor("zero", kind, [], [0]),
        helper.make_tensor("w", info.INT8, [64, 64], [127] * 64 * 64),
    ]
    node = helper.make_node("QLinearMatMul", ["x", "s", "low", "w", "s", "z", "l", "zero"], ["y"])
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", kind, [1, 64])],
        [helper.make_tensor_value_info("y", kind, [1, 64])], constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    y = _session(model).run(None, {"x": np.full((1, 64), high, np.int8 if signed else np.uint8)})[0]
    return bool((np.asarray(y) == round(255 * 127 * 64 / 2**20)).all())
