"""LiteRT 1.2.0: with its reference kernels, every operator's output kept, and as it runs by default."""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from ai_edge_litert.interpreter import Interpreter, OpResolverType

_schema: Any = schema_py_generated  # generated code, without usable types


class Interpreted:
    """A ``.tflite`` file ready to run.

    Parameters
    ----------
    model : bytes
    by_default : bool
        As it runs by default, with XNNPACK, whose accumulators are rounded once. Otherwise with the reference kernels.
    """

    def __init__(self, model: bytes, by_default: bool = False) -> None:
        if by_default:
            # What XNNPACK computes on the way is nowhere to be read, unless it is an output.
            self._interpreter = Interpreter(model_content=_with_every_output(model))
        else:
            self._interpreter = Interpreter(
                model_content=model,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=True,
            )
        operators = _operators(model)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._names = {d["index"]: d["name"] for d in self._interpreter.get_tensor_details()}
        self._outputs = [int(index) for o in operators for index in o.outputs]

    @property
    def input_type(self) -> type:
        """NumPy's type of the input."""
        return self._input["dtype"]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The input's shape."""
        return tuple(int(n) for n in self._input["shape"])

    def outputs(self, x: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Name and values of each operator's output, in the order of the operators.

        ``x`` has the shape and type the file says.
        """
        self._interpreter.set_tensor(self._input["index"], x)
        self._interpreter.invoke()
        return [
            (self._names.get(index, f"tensor {index}"), self._interpreter.get_tensor(index).copy())
            for index in self._outputs
        ]


def _operators(model: bytes) -> list[Any]:
    return _schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0].operators


def _with_every_output(model: bytes) -> bytes:
    """The file with every operator's output as an output of the network."""
    m = _schema.ModelT.InitFromPackedBuf(model, 0)
    graph = m.subgraphs[0]
    graph.outputs = list(dict.fromkeys(int(index) for o in graph.operators for index in o.outputs))
    m.signatureDefs = []
    writer = flatbuffers.Builder(len(model) + 4096)
    writer.Finish(m.Pack(writer), file_identifier=b"TFL3")
    return bytes(writer.Output())


def run(model: bytes, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every operator's output tensor by its name, in the order of the operators, with the reference kernels.

    Parameters
    ----------
    model : bytes
        The ``.tflite`` file.
    x : ndarray
        The input, of the shape and type the file says.
    """
    return dict(Interpreted(model).outputs(x))


def run_by_default(model: bytes, x: np.ndarray) -> np.ndarray:
    """The output that the default interpreter computes, with XNNPACK, of the file as it is."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy()
