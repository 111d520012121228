"""LiteRT 1.2.0 with its reference kernels, every operator's output kept."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def _interpreter(model: bytes) -> Interpreter:
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


def run(model: bytes, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every operator's output tensor by its name, in the order of the operators.

    Parameters
    ----------
    model : bytes
        The ``.tflite`` file.
    x : ndarray
        The input, of the shape and type the file says.
    """
    interpreter = _interpreter(model)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    names = {d["index"]: d["name"] for d in interpreter.get_tensor_details()}
    outputs = [int(index) for op in interpreter._get_ops_details() for index in op["outputs"]]
    return {names[index]: interpreter.get_tensor(index).copy() for index in outputs}


def random_input(model: bytes, seed: int) -> np.ndarray:
    """An int8 tensor of the network's input shape: over the whole range, with runs of both ends of it."""
    shape = tuple(int(n) for n in _interpreter(model).get_input_details()[0]["shape"])
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, shape, dtype=np.int8)
    return np.where(random.random(shape) < 0.1, random.choice(np.array([-128, 127], np.int8)), x)
