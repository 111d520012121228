"""A network and its description: how pictures become its input, and how its output becomes objects."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler.engine.goal import Goal
from ..compiler.engine.image import Program
from ..compiler.graph import Kind, Network, Runtime, Tensor
from ..configurations import Configuration
from ..errors import BadInput
from ..formats import MAX_TOP_K, Arithmetic, Head
from ..settings import LUMA_MATRIX, UNITY_MATRIX, FrameFormat, MetadataSettings, TensorSettings, Window

TOP_K = 5
"""Objects reported for a vector when no description says otherwise."""

BOX_CHANNELS = 4
MAX_HEATMAP_CLASSES = 16
MAX_GRID = 255
MAX_GRID_ROW_BYTES = 1024
"""docs/metadata.md gives these limits of a heat map."""

_KEYS = ("name", "head", "classes", "threshold", "top_k", "mean", "deviation")


@dataclass(frozen=True)
class ClassName:
    """One class of the output; ``kind`` groups classes (``part``, ``defect``) and may be empty."""

    name: str
    kind: str = ""


@dataclass(frozen=True, eq=False)
class NetworkFile:
    """A network and its description.

    Attributes
    ----------
    classes : tuple of ClassName
        Empty when nobody has named them.
    threshold : int
        Smallest score of a peak, as the int8 the network gives.
    mean, deviation : tuple of float
        A level v of 0 to 255 enters the network as ``(v / 255 - mean) / deviation``, three channels each.
    """

    network: Network
    name: str
    head: Head
    classes: tuple[ClassName, ...]
    threshold: int
    top_k: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @property
    def class_names(self) -> list[str]:
        """The classes' names in the order of the output; empty when nobody has named them."""
        return [c.name for c in self.classes]

    @property
    def output(self) -> Tensor:
        """What the accelerator gives: the output, or what goes into a SOFTMAX left to the host."""
        last = self.network.operators[-1]
        return self.network.tensors[last.inputs[0]] if last.kind is Kind.SOFTMAX else self.network.output_tensor

    @property
    def matrix(self) -> tuple[int, ...]:
        """The image processor's matrix for this network: luma in every row when it looks at one channel."""
        return LUMA_MATRIX if self.network.input_tensor.shape[-1] == 1 else UNITY_MATRIX

    def tensor_settings(self, window: Window) -> TensorSettings:
        """Settings that bring ``window`` to the network's input; :class:`BadInput` when the input is no picture."""
        x = self.network.input_tensor
        if len(x.shape) != 4:
            raise BadInput(
                f"{self.network.file}: tensor {x.name!r}: found an input of shape {x.shape}, "
                "allowed (1, rows, columns, 1 or 3)"
            )
        return TensorSettings.scaled(window, x.picture, x.scale, x.zero_point, self.mean, self.deviation)

    def metadata_settings(self, frame: FrameFormat, window: Window) -> MetadataSettings:
        """Settings that read the network's output as objects inside ``window`` of ``frame``."""
        if self.head is Head.VECTOR:
            return MetadataSettings.vector(frame, window, self.top_k)
        rows, columns, channels = self.output.picture
        return MetadataSettings.heatmap(
            frame, window, (rows, columns), channels - BOX_CHANNELS, self.threshold, self.output.scale,
            self.output.zero_point,
        )  # fmt: skip

    def compile(
        self,
        configuration: Configuration,
        arithmetic: Arithmetic | None = None,
        keep_dead: bool = False,
        goal: Goal = Goal.THROUGHPUT,
        activation_bytes: int | None = None,
    ) -> Program:
        """The program image; channels that cannot reach the output are left out unless ``keep_dead``.

        ``arithmetic`` is that of the file's runtime when it is None: DOUBLE for TensorFlow Lite, SINGLE for ONNX
        Runtime, which has no other. ``goal`` says what the order of work is to be good for, ``activation_bytes`` what
        the activations may take at most instead of the whole memory. The host's part has this description,
        ``operator_macs`` of the network as it is in the file, and ``channels``: for each tensor that lost some, the
        numbers of those ``kept``, and which of them, by their place in ``kept``, hold ``arbitrary`` values.
        """
        # Imported late: who has the program image needs no compiler, and waits half a second for it.
        from ..compiler.engine.assembly import compile_network
        from ..compiler.engine.work import operator_macs
        from ..compiler.passes.dead_channels import without_dead_channels

        network, arithmetic = self.network, self._arithmetic(arithmetic)
        description = self.description() | {"operator_macs": operator_macs(network)}
        if not keep_dead:
            reduced = without_dead_channels(network)
            network = reduced.network
            description["channels"] = {
                name: {"kept": kept.tolist(), "arbitrary": np.flatnonzero(~reduced.live[name]).tolist()}
                for name, kept in reduced.kept.items()
                if len(kept) < self.network.tensors[name].picture[2] or not reduced.live[name].all()
            }
        return compile_network(network, configuration, description, arithmetic, goal, activation_bytes)

    def check(
        self, configuration: Configuration, arithmetic: Arithmetic | None = None, keep_dead: bool = False
    ) -> None:
        """:class:`BadInput` where no accelerator, however large, gives the runtime's every result.

        What a network needs of the configuration's memories does not count, only how wide its array is.
        """
        from ..compiler.engine.lowering import lower
        from ..compiler.passes.dead_channels import without_dead_channels

        network = self.network if keep_dead else without_dead_channels(self.network).network
        lower(network, replace(configuration, tables=len(network.operators) + 1), self._arithmetic(arithmetic))

    def _arithmetic(self, asked: Arithmetic | None) -> Arithmetic:
        """What is asked for, or what the runtime has."""
        onnx = self.network.runtime is Runtime.ONNX
        if onnx and asked not in (None, Arithmetic.SINGLE):
            raise BadInput(f"{self.network.file}: found arithmetic double, allowed single: ONNX Runtime rounds once")
        return asked or (Arithmetic.SINGLE if onnx else Arithmetic.DOUBLE)

    def description(self) -> dict[str, Any]:
        """What the file beside the network says, defaults filled in."""
        return {
            "name": self.name,
            "head": self.head.name.lower(),
            "classes": [asdict(c) for c in self.classes],
            "threshold": self.threshold,
            "top_k": self.top_k,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
        }


def default() -> NetworkFile:
    """The project's own network: parts and defects on a production line."""
    return load(Path(__file__).with_name("line.tflite"))


def load(path: str | Path) -> NetworkFile:
    """The network at ``path``, described by the ``.json`` file of the same name when there is one.

    A name that ends in ``.onnx`` is an ONNX file, any other a TensorFlow Lite one.
    Without a description the output is a vector of classes without names, and a level of 0 to 255 enters 128 lower,
    as int8.
    :class:`BadInput` when the network or its description cannot be used.
    """
    path = Path(path)
    if path.suffix.lower() == ".onnx":
        from ..compiler.onnx_file import read_onnx as read
    else:
        from ..compiler.tflite_file import read_network as read
    network = read(path)
    beside = path.with_suffix(".json")
    return describe(network, _read_json(beside), str(beside)) if beside.is_file() else describe(network, {}, str(path))


def describe(network: Network, content: Mapping[str, Any], file: str) -> NetworkFile:
    """``network`` with the description ``content``, checked; ``file`` is what messages call it."""
    unknown = sorted(set(content) - set(_KEYS))
    if unknown:
        raise BadInput(f"{file}: found the key {unknown[0]!r}, allowed {', '.join(_KEYS)}")
    x = network.input_tensor
    heads = {head.name.lower(): head for head in Head}
    name, head = content.get("name", network.name), content.get("head", "vector")
    if not isinstance(name, str):
        raise BadInput(f"{file}: name: found {_short(name)}, allowed text")
    if not isinstance(head, str) or head not in heads:
        raise BadInput(f"{file}: head: found {_short(head)}, allowed {', '.join(heads)}")
    plain_mean, plain_deviation = (x.zero_point + 128) / 255, 1 / (255 * x.scale)
    described = NetworkFile(
        network,
        name,
        heads[head],
        _classes(content.get("classes", []), file),
        _integer(content, "threshold", 0, -128, 127, file),
        _integer(content, "top_k", TOP_K, 1, MAX_TOP_K, file),
        _channels(content, "mean", plain_mean, file),
        _channels(content, "deviation", plain_deviation, file),
    )
    return _check_output(described, file)


def _check_output(described: NetworkFile, file: str) -> NetworkFile:
    """The head has to fit the output tensor, and names the classes."""
    output, names = described.output, len(described.classes)
    at = f"{file}: head {described.head.name.lower()}: tensor {output.name!r}"
    if described.head is Head.VECTOR:
        if names and names != output.size:
            raise BadInput(f"{at}: found {names} class names, allowed none or {output.size}")
        return NetworkFile(**{**vars(described), "top_k": min(described.top_k, output.size)})
    rows, columns, channels = output.picture
    classes = channels - BOX_CHANNELS
    if (
        len(output.shape) != 4
        or not 1 <= classes <= MAX_HEATMAP_CLASSES
        or max(rows, columns) > MAX_GRID
        or columns * channels > MAX_GRID_ROW_BYTES
    ):
        raise BadInput(
            f"{at}: found shape {output.shape}, allowed (1, rows, columns, classes + {BOX_CHANNELS}) with up to "
            f"{MAX_GRID} rows and columns, {MAX_HEATMAP_CLASSES} classes and {MAX_GRID_ROW_BYTES} bytes a row"
        )
    if names and names != classes:
        raise BadInput(f"{at}: found {names} class names, allowed none or {classes}")
    return described


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise BadInput(f"{path}: found no readable JSON, allowed a network's description") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: found {_short(content)}, allowed a JSON object")
    return content


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _integer(content: Mapping[str, Any], key: str, otherwise: int, low: int, high: int, file: str) -> int:
    value = content.get(key, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadInput(f"{file}: {key}: found {_short(value)}, allowed integers from {low} to {high}")
    return value


def _channels(content: Mapping[str, Any], key: str, otherwise: float, file: str) -> tuple[float, float, float]:
    """A number for each channel; one number stands for all three."""
    value = content.get(key, otherwise)
    numbers = value if isinstance(value, list) else [value]
    if len(numbers) not in (1, 3) or not all(_is_number(v) and abs(v) < 2.0**32 for v in numbers):
        raise BadInput(f"{file}: {key}: found {_short(value)}, allowed 1 or 3 numbers")
    if key == "deviation" and min(numbers) < 2.0**-32:
        raise BadInput(f"{file}: {key}: found {_short(value)}, allowed numbers above 0")
    first, second, third = (float(v) for v in (numbers * 3)[:3])
    return first, second, third


def _classes(value: object, file: str) -> tuple[ClassName, ...]:
    """Names, or objects with a name and a kind."""
    entries = value if isinstance(value, list) else [None]
    classes = [ClassName(e) if isinstance(e, str) else _class(e, file) for e in entries]
    return tuple(classes)


def _class(entry: object, file: str) -> ClassName:
    name = entry.get("name") if isinstance(entry, dict) else None
    kind = entry.get("kind", "") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not isinstance(kind, str):
        raise BadInput(f"{file}: classes: found {_short(entry)}, allowed names, or objects with name and kind")
    return ClassName(name, kind)
