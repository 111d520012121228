"""The accelerator's golden model: a network run operator by operator on whole arrays, exact to the last bit.

Works on the graph of the file, never on the program image, so that it proves the compiler as well. Written from
the reference kernels of TensorFlow Lite; docs/cnn.md gives the rules. Networks of .onnx files follow other kernels:
:mod:`.cnn_onnx`.
"""

from collections.abc import Callable

import numpy as np

from ocellus.compiler.graph import Kind, Network, Runtime, Tensor
from ocellus.formats import Arithmetic

from . import cnn_elementwise, cnn_onnx, cnn_places, cnn_weighted
from .cnn_step import Step


def run(network: Network, x: np.ndarray, arithmetic: Arithmetic = Arithmetic.DOUBLE) -> dict[str, np.ndarray]:
    """Every operator's output tensor by its name, in the order of the operators.

    Parameters
    ----------
    network : Network
        What an importer of ``ocellus.compiler`` made.
    x : ndarray
        int8 in the input's shape, or in one of as many elements.
    arithmetic : Arithmetic
        DOUBLE rounds as the reference kernels do. SINGLE rounds accumulators of convolutions and fully connected
        layers once, halves up, and everything else as DOUBLE does. A network of an .onnx file has one arithmetic.
    """
    if x.dtype != np.int8 or x.size != network.input_tensor.size:
        raise ValueError(
            f"{network.name}: found an input of {x.dtype} {x.shape}, allowed int8 {network.input_tensor.shape}"
        )
    if network.runtime is Runtime.ONNX:
        return cnn_onnx.run(network, x)
    values = {network.input: x.reshape(network.input_tensor.shape)}
    for operator in network.operators:
        inputs = [network.tensors[name] for name in operator.inputs]
        output = network.tensors[operator.output]
        step = Step(operator, inputs, output, [_values_of(t, values) for t in inputs], arithmetic)
        values[output.name] = _OPERATORS[operator.kind](step).reshape(output.shape)
    del values[network.input]
    return values


def _values_of(tensor: Tensor, computed: dict[str, np.ndarray]) -> np.ndarray:
    return computed[tensor.name] if tensor.data is None else tensor.data


_OPERATORS: dict[Kind, Callable[[Step], np.ndarray]] = {
    Kind.CONV_2D: cnn_weighted.convolution,
    Kind.DEPTHWISE_CONV_2D: cnn_weighted.depthwise,
    Kind.TRANSPOSE_CONV: cnn_weighted.transpose_convolution,
    Kind.FULLY_CONNECTED: cnn_weighted.fully_connected,
    Kind.ADD: cnn_elementwise.add,
    Kind.SUB: cnn_elementwise.subtract,
    Kind.MUL: cnn_elementwise.multiply,
    Kind.AVERAGE_POOL_2D: cnn_places.average_pool,
    Kind.MAX_POOL_2D: cnn_places.max_pool,
    Kind.MEAN: cnn_places.mean,
    Kind.PAD: cnn_places.pad,
    Kind.RESHAPE: cnn_places.reshape,
    Kind.CONCATENATION: cnn_places.concatenation,
    Kind.STRIDED_SLICE: cnn_places.strided_slice,
    Kind.RESIZE_NEAREST_NEIGHBOR: cnn_places.resize_nearest,
    Kind.RESIZE_BILINEAR: cnn_places.resize_bilinear,
    Kind.QUANTIZE: cnn_elementwise.function(cnn_elementwise.rescale),
    Kind.LOGISTIC: cnn_elementwise.function(cnn_elementwise.logistic),
    Kind.TANH: cnn_elementwise.function(cnn_elementwise.hyperbolic_tangent),
    Kind.HARD_SWISH: cnn_elementwise.function(cnn_elementwise.hard_swish),
    Kind.RELU: cnn_elementwise.function(cnn_elementwise.relu),
    Kind.RELU6: cnn_elementwise.function(cnn_elementwise.relu),
    Kind.RELU_N1_TO_1: cnn_elementwise.function(cnn_elementwise.relu),
    Kind.LEAKY_RELU: cnn_elementwise.function(cnn_elementwise.leaky_relu),
    Kind.PRELU: cnn_elementwise.prelu,
    Kind.SOFTMAX: cnn_places.soft_maximum,
}
