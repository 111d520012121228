"""LiteRT 1.2.0: with its reference kernels, every operator's output kept, and as it runs by default."""

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


def run_by_default(model: bytes, x: np.ndarray) -> np.ndarray:
    """The output that the default interpreter computes: with XNNPACK, whose accumulators are rounded once."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy()


def random_input(model: bytes, seed: int) -> np.ndarray:
    """A tensor of the network's input shape and type: over the whole range, with many of one end of it.

    Where there is room, every value occurs.
    """
    details = _interpreter(model).get_input_details()[0]
    shape = tuple(int(n) for n in details["shape"])
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, shape, dtype=np.int8)
    x = np.where(random.random(shape) < 0.1, random.choice(np.array([-128, 127], np.int8)), x)
    if x.size >= 256:
        x.ravel()[:256] = random.permutation(256) - 128
    return x if details["dtype"] is np.int8 else (x.view(np.uint8) ^ 0x80)
