"""A graph while an ``.onnx`` file is read: what is known of its names, and how operands are read."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import BadInput
from .graph import Operator, Tensor
from .onnx_operators import emit
from .onnx_places import reshape
from .onnx_step import Step
from .onnx_values import Constant, Pending, Quantisation, Real, Value

ACTIVATION_TYPES = ("INT8", "UINT8")


class GraphInProgress:
    """Tensors and operators so far; ``known`` says what each name of the file stands for.

    ``at`` names the file, or the operator that is being read: messages begin with it.
    """

    def __init__(self, model: Any, name: str, file: str, identity: int) -> None:
        self.graph, self.name, self.file, self.identity = model.graph, name, file, identity
        self.opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []
        self.notes: list[str] = []
        self.known: dict[str, Any] = {}
        self.left_to_host: set[str] = set()
        self.source = self.entry = ""
        self.at = file
        self.readers: Counter[str] = Counter()

    def keep_constants(self) -> None:
        """The file's initialisers become known."""
        for proto in self.graph.initializer:
            self.known[proto.name] = Constant(proto.name, self._array(proto))

    def _array(self, proto: Any) -> np.ndarray:
        at = f"{self.file}: tensor {proto.name!r}"
        if proto.data_location == onnx.TensorProto.EXTERNAL:
            raise BadInput(f"{at}: found values in another file, allowed values inside the .onnx file")
        try:
            return numpy_helper.to_array(proto)
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            detail = " ".join(str(error).split())[:80]
            raise BadInput(f"{at}: truncated or corrupt ({detail}), allowed a whole .onnx file") from None

    def refuse(self, text: str) -> BadInput:
        """The error to raise, with file and operator in front."""
        return BadInput(f"{self.at}: {text}")

    def _constant_node(self, node: Any, attributes: dict[str, Any]) -> Constant:
        if "value" in attributes:
            return Constant(node.output[0], self._array(attributes["value"]))
        for key, kind in (("value_float", np.float32), ("value_int", np.int64), ("value_floats", np.float32)):
            if key in attributes:
                return Constant(node.output[0], np.array(attributes[key], kind))
        if "value_ints" in attributes:
            return Constant(node.output[0], np.array(attributes["value_ints"], np.int64))
        raise self.refuse("found no number, allowed a Constant with one")

    def _input(self, name: str) -> Any:
        if not name:
            return None
        if name not in self.known:
            raise self.refuse(
                f"tensor {name!r}: found a tensor that no operator has computed yet, allowed the network's input "
                "and earlier outputs"
            )
        return self.known[name]

    def _scale(self, inputs: list[Any], scale: int, zero_point: int, *, many: bool = False) -> Quantisation:
        """Scale and zero point from these places of an operator's inputs; ``many`` allows one a channel."""

        def array(place: int) -> np.ndarray | None:
            held = inputs[place] if place < len(inputs) else None
            if held is not None and not (isinstance(held, Constant) and not held.scales):
                raise self.refuse(f"input {place}: found a computed scale or zero point, allowed a constant")
            return None if held is None else held.data

        scales, zeros = array(scale), array(zero_point)
        zeros = np.uint8(0) if zeros is None else zeros
        if scales is None or scales.dtype != np.float32 or (scales.size != 1 and not many) or scales.ndim > 1:
            raise self.refuse(f"input {scale}: found no float32 scale for the whole tensor, allowed one")
        wrong = [float(s) for s in scales.ravel() if not 2.0**-60 <= s <= 2.0**60]
        if wrong:
            raise self.refuse(f"input {scale}: found scale {wrong[0]:g}, allowed 2^-60 to 2^60")
        kind = zeros.dtype.name.upper()
        if zeros.size not in (1, scales.size) or kind not in (*ACTIVATION_TYPES, "INT32"):
            raise self.refuse(f"input {zero_point}: found {zeros.size} zero points of {kind}, allowed INT8 or UINT8")
        if len(set(zeros.ravel().tolist())) != 1:
            raise self.refuse(f"input {zero_point}: found different zero points a channel, allowed equal ones")
        unsigned = kind == "UINT8"
        return Quantisation(
            tuple(float(s) for s in scales.ravel()), int(zeros.ravel()[0]) - (128 if unsigned else 0), unsigned
        )

    def _of(self, value: Value) -> Quantisation:
        """The quantisation of a tensor that is known."""
        if value.tensor not in self.tensors:
            raise self.refuse("found an input that is not quantised yet, allowed one behind QuantizeLinear")
        t = self.tensors[value.tensor]
        return Quantisation(t.scales, t.zero_point, t.unsigned)

    def add(self, tensor: Tensor) -> str:
        """Keeps a new tensor; the name it got."""
        name = tensor.name
        while name in self.tensors:
            name += "#"
        self.tensors[name] = Tensor(
            name, tensor.shape, tensor.scales, tensor.zero_point, tensor.axis, tensor.data, tensor.unsigned
        )
        return name

    def _enter(self, value: Value, name: str, quantisation: Quantisation) -> Value:
        """The network's input, from where it is quantised on."""
        if not self.entry:
            self.entry = self.add(Tensor(name, value.graph_shape, *quantisation.fields))
        held = value.named(self.entry)
        self._same(held, quantisation)
        if self.tensors[self.entry].shape != held.graph_shape:
            raise self.refuse(f"found the network's input also as {held.graph_shape}, allowed one order of dimensions")
        return held

    def _same(self, x: Value, quantisation: Quantisation) -> None:
        found = self._of(x)
        if found != quantisation:
            raise self.refuse(
                f"tensor {x.tensor!r}: found scale {quantisation.scales[0]:g} and zero point "
                f"{quantisation.zero_point}, allowed those it was made with, {found.scales[0]:g} and {found.zero_point}"
            )

    def _operand(self, inputs: list[Any], places: tuple[int, int, int]) -> Any:
        """An operand of a QOperator with its scale and zero point."""
        held = inputs[places[0]]
        quantisation = self._scale(inputs, places[1], places[2], many=True)
        if isinstance(held, Constant) and not held.scales:
            return held.quantised(quantisation, None, self.refuse)
        if not isinstance(held, Value):
            raise self.refuse(f"input {places[0]}: found no quantised tensor, allowed one")
        if not held.tensor:
            held = self._enter(held, self.source, quantisation)
        self._same(held, quantisation)
        return held

    def _quantise_constant(self, x: Constant, inputs: list[Any]) -> Constant:
        quantisation = self._scale(inputs, 1, 2)
        low, high = (0, 255) if quantisation.unsigned else (-128, 127)
        zero_point = quantisation.zero_point + (128 if quantisation.unsigned else 0)
        levels = np.rint(x.data.astype(np.float32) / np.float32(quantisation.scales[0])) + zero_point
        return Constant(x.name, levels.clip(low, high).astype(np.uint8 if quantisation.unsigned else np.int8))

    def _moved(self, number: int, moved: Any) -> Any:
        """The result of an operator that only renames places; where the bytes' shape changes, a RESHAPE says so."""
        value = moved.value if isinstance(moved, Real) else moved
        if value.tensor and value.graph_shape != self.tensors[value.tensor].shape:
            t = self.tensors[value.tensor]
            name = f"{value.tensor}:{number}"
            name = self.add(Tensor(name, value.graph_shape, t.scales, t.zero_point, unsigned=t.unsigned))
            reshape(number, value.tensor, name, self)
            value = value.named(name)
        return Real(value) if isinstance(moved, Real) else value

    def _emit(
        self, number: int, kind: str, attributes: dict[str, Any], inputs: list[Any], name: str,
        quantisation: Quantisation, pending: Pending | None = None, on_bytes: bool = False,
    ) -> Value:  # fmt: skip
        """Makes the operator that ends in the quantised tensor ``name``."""
        reals = [i.value if isinstance(i, Real) else i for i in inputs]
        clamps = pending.clamps if pending is not None else ()
        at = f"{self.file}: operator {number} ({kind})"
        step = Step(number, kind, attributes, reals, name, quantisation, clamps, self.opset, at, on_bytes)
        return emit(step, self)
