"""What the runtime that a network was made for computes: every operator's output, as the graph has it."""

from pathlib import Path

import numpy as np

from ocellus.compiler.graph import Kind, Network, Runtime
from ocellus.errors import BadInput
from ocellus.formats import Arithmetic


class LiteRtOracle:
    """LiteRT 1.2.0: its reference kernels for DOUBLE, for SINGLE its default ones, which are XNNPACK's.

    ``unsigned``: the file's input is uint8.
    """

    def __init__(self, network: Network, content: bytes, arithmetic: Arithmetic) -> None:
        from .litert import Interpreted
        from .litert_probe import fault

        single = arithmetic is Arithmetic.SINGLE
        self.name = "LiteRT (XNNPACK)" if single else "LiteRT (reference kernels)"
        self._network = network
        reason = fault(content) if single else None
        if reason is not None:
            raise BadInput(
                f"{network.file}: found a network on which LiteRT's default interpreter fails ({reason}), allowed "
                "one that it runs, or --arithmetic double"
            )
        try:
            self._runs = Interpreted(content, by_default=single)
        except (RuntimeError, ValueError) as error:
            raise _refused(network, "LiteRT", error) from None
        self.unsigned = self._runs.input_type is np.uint8

    def outputs(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """int8, by the tensor's name in the graph; ``x`` is the graph's input."""
        held = _as_file(self._network, self._runs.input_type, x).reshape(self._runs.input_shape)
        try:
            found = self._runs.outputs(held)
        except (RuntimeError, ValueError) as error:
            raise _refused(self._network, "LiteRT", error) from None
        return {o.output: as_int8(found[o.number][1]) for o in self._network.operators}


class OnnxOracle:
    """ONNX Runtime, on processors whose kernels are the ones meant. ``unsigned``: the file's input is uint8."""

    name = "ONNX Runtime"

    def __init__(self, network: Network, content: bytes) -> None:
        from . import onnx_runtime

        if not onnx_runtime.is_the_measure():
            raise BadInput(
                f"{network.file}: found another processor's kernels in ONNX Runtime, allowed those of x86-64 with VNNI"
            )
        self._network, self._module = network, onnx_runtime
        try:
            self._runs = onnx_runtime.Interpreted(content)
        except onnx_runtime.REFUSALS as error:
            raise _refused(network, "ONNX Runtime", error) from None
        self.unsigned = self._runs.input_type == "tensor(uint8)"

    def outputs(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """int8 with channels last, by the tensor's name; reshaped tensors are left out: they hold what others hold."""
        kinds = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}
        held = _as_file(self._network, kinds[self._runs.input_type], x)
        if self._runs.channels_first:
            held = np.ascontiguousarray(held.transpose(0, 3, 1, 2))
        try:
            found = self._runs.outputs(held)
        except self._module.REFUSALS as error:
            raise _refused(self._network, "ONNX Runtime", error) from None
        names = [o.output for o in self._network.operators if o.kind is not Kind.RESHAPE]
        tensors = self._network.tensors
        return {n: self._module.as_golden(found[n], tensors[n].unsigned) for n in names if n in found}


Oracle = LiteRtOracle | OnnxOracle


def oracle_of(network: Network, path: str | Path, arithmetic: Arithmetic) -> Oracle:
    """The oracle of the network in the file at ``path``."""
    content = Path(path).read_bytes()
    return (
        OnnxOracle(network, content) if network.runtime is Runtime.ONNX else LiteRtOracle(network, content, arithmetic)
    )


def _refused(network: Network, runtime: str, error: Exception) -> BadInput:
    """A file that the importer reads and its runtime does not, or not to the end."""
    detail = " ".join(str(error).split())[:160]
    return BadInput(f"{network.file}: found a network that {runtime} refuses ({detail}), allowed one that it runs")


def as_int8(x: np.ndarray) -> np.ndarray:
    """uint8 values as the graph has them: 128 less."""
    return (x ^ 0x80).view(np.int8) if x.dtype == np.uint8 else x


def _as_file(network: Network, kind: type, x: np.ndarray) -> np.ndarray:
    """The graph's input as the file takes it; a float input is what is quantised to just these values."""
    t = network.input_tensor
    if kind is np.float32:
        return (x.astype(np.int32) - t.zero_point).astype(np.float32) * np.float32(t.scale)
    return x.view(np.uint8) ^ 0x80 if kind is np.uint8 else x
