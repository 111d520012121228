"""A compiled network as one image: what the accelerator loads, and what only the host reads."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...configurations import CONFIGURATIONS, Configuration
from ...errors import BadInput
from ...formats import Arithmetic
from ...program_formats import IMAGE_HEADER, IMAGE_MAGIC, IMAGE_VERSION, LAYER, PARAMETER, STEP

HEADER_WORDS = -(-IMAGE_HEADER.bits // 32)
LAYER_WORDS = -(-LAYER.bits // 32)
STEP_WORDS = -(-STEP.bits // 32)
PARAMETER_WORDS = -(-PARAMETER.bits // 32)
TABLE_WORDS = 256 // 4
_SHAPE = ("word", "windows", "inputs", "outputs")


def program_words(layers: int, steps: int) -> int:
    """32-bit words of the program memory that so many layers and steps take."""
    return LAYER_WORDS * layers + STEP_WORDS * steps


@dataclass(frozen=True, eq=False)
class Program:
    """What the accelerator loads, and the host's part.

    Attributes
    ----------
    header : mapping
        Fields of ``IMAGE_HEADER``.
    layers, steps : tuple of mappings
        Fields of ``LAYER`` and of ``STEP``.
    tables : ndarray
        int8, (tables, 256).
    parameters : ndarray
        uint32, (words, parameter_lanes, 3): bias, multiplier, shift.
    weights : ndarray
        int8, (words, inputs * outputs).
    host : mapping
        What JSON can say; docs/compiler.md lists the keys. ``configuration`` names the sizes.
    """

    header: Mapping[str, int]
    layers: tuple[Mapping[str, int], ...]
    steps: tuple[Mapping[str, int], ...]
    tables: np.ndarray
    parameters: np.ndarray
    weights: np.ndarray
    host: Mapping[str, Any]

    @property
    def network_id(self) -> int:
        """The number that records carry: CRC-32 of the network's file."""
        return self.header["network_id"]

    @property
    def input_bytes(self) -> int:
        """Size of the input tensor."""
        return self.header["input_rows"] * self.header["input_columns"] * self.header["input_channels"]

    @property
    def output_bytes(self) -> int:
        """Size of the output tensor."""
        return self.header["output_rows"] * self.header["output_columns"] * self.header["output_channels"]

    @property
    def configuration(self) -> Configuration:
        """The sizes that the program was made for."""
        return CONFIGURATIONS[self.host["configuration"]]

    def words(self) -> np.ndarray:
        """What the accelerator loads: uint32 words, the CRC last."""
        parts = [
            np.array(IMAGE_HEADER.words(self.header), np.uint32),
            np.array([LAYER.words(layer) for layer in self.layers], np.uint32).ravel(),
            np.array([STEP.words(step) for step in self.steps], np.uint32).ravel(),
            np.ascontiguousarray(self.tables, np.int8).ravel().view("<u4"),
            self.parameters.ravel(),
            np.ascontiguousarray(self.weights, np.int8).ravel().view("<u4"),
        ]
        body = np.concatenate(parts).astype("<u4")
        return np.append(body, np.uint32(zlib.crc32(body.tobytes()))).astype("<u4")

    def to_bytes(self) -> bytes:
        """The image file: the words to load, then the host's JSON and its CRC-32."""
        text = _host_text(self.host)
        return self.words().tobytes() + text + zlib.crc32(text).to_bytes(4, "little")

    @classmethod
    def assemble(
        cls,
        header: Mapping[str, int],
        layers: tuple[Mapping[str, int], ...],
        steps: tuple[Mapping[str, int], ...],
        tables: np.ndarray,
        parameters: np.ndarray,
        weights: np.ndarray,
        host: Mapping[str, Any],
    ) -> "Program":
        """A program whose header holds the sizes of ``host["configuration"]`` and the counts of its sections."""
        sizes = CONFIGURATIONS[host["configuration"]]
        counted = {
            **header,
            **{name: getattr(sizes, name) for name in _SHAPE},
            "magic": IMAGE_MAGIC,
            "version": IMAGE_VERSION,
            "layers": len(layers),
            "steps": len(steps),
            "tables": len(tables),
            "parameter_words": len(parameters),
            "weight_words": len(weights),
            "host_bytes": len(_host_text(host)),
        }
        counted = IMAGE_HEADER.unpack(IMAGE_HEADER.pack(counted))
        return cls(counted, layers, steps, tables, parameters, weights, host)

    @classmethod
    def from_bytes(cls, content: bytes, file: str = "program image") -> "Program":
        """The program in the bytes of an image; :class:`BadInput` when it is none, damaged, or of another version."""
        if len(content) < 4 * HEADER_WORDS:
            raise BadInput(
                f"{file}: found {len(content)} bytes, allowed a program image of {4 * HEADER_WORDS} and more"
            )
        header = IMAGE_HEADER.unpack(int.from_bytes(content[: 4 * HEADER_WORDS], "little"))
        _check_header(header, file)
        shape = _sizes(header, file)
        sizes = (
            HEADER_WORDS,
            header["layers"] * LAYER_WORDS,
            header["steps"] * STEP_WORDS,
            header["tables"] * TABLE_WORDS,
            header["parameter_words"] * shape.parameter_lanes * PARAMETER_WORDS,
            header["weight_words"] * shape.lanes // 4,
        )
        loaded = 4 * (sum(sizes) + 1)
        want = loaded + header["host_bytes"] + 4
        if len(content) != want:
            raise BadInput(f"{file}: found {len(content)} bytes, allowed {want} by its header")
        _check_sum(content[: loaded - 4], content[loaded - 4 : loaded], f"{file}: the accelerator's part")
        _check_sum(content[loaded:-4], content[-4:], f"{file}: the host's part")
        words = np.frombuffer(content[: loaded - 4], "<u4").astype(np.uint32)
        _, layer_words, step_words, tables, parameters, weights = np.split(words, np.cumsum(sizes)[:-1])
        return cls(
            header,
            tuple(_unpacked(LAYER, layer_words.reshape(-1, LAYER_WORDS))),
            tuple(_unpacked(STEP, step_words.reshape(-1, STEP_WORDS))),
            tables.astype("<u4").view(np.int8).reshape(-1, 256),
            parameters.reshape(-1, shape.parameter_lanes, PARAMETER_WORDS),
            weights.astype("<u4").view(np.int8).reshape(-1, shape.lanes),
            _host_section(content[loaded:-4], file),
        )

    def check_sizes(self, sizes: Configuration, file: str = "program image") -> None:
        """:class:`BadInput` when the program is made for another array than that of ``sizes``, or for more memory."""
        made = self.configuration
        if any(getattr(made, name) != getattr(sizes, name) for name in (*_SHAPE, "parameter_lanes")):
            raise BadInput(f"{file}: found an image for {made.name}, allowed one for {sizes.name}")
        layers, steps = self.header["layers"], self.header["steps"]
        counts = (
            ("layers", layers, sizes.layers),
            ("words of program", program_words(layers, steps), sizes.program_words),
            ("tables", self.header["tables"], sizes.tables),
            ("words of parameters", self.header["parameter_words"], sizes.parameter_words),
            ("words of weights", self.header["weight_words"], sizes.weight_words),
            ("bytes of unfolded pixels", self.header["unfold_bytes"], sizes.unfold_bytes),
        )
        for name, found, allowed in counts:
            if found > allowed:
                raise BadInput(f"{file}: found {found} {name}, allowed {allowed} on {sizes.name}")
        if not layers or not steps:
            raise BadInput(f"{file}: found {layers} layers and {steps} steps, allowed 1 and more")

    @classmethod
    def load(cls, path: str | Path) -> "Program":
        """The program in an image file; :class:`BadInput` when there is none."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror}), allowed a program image") from None
        return cls.from_bytes(content, str(path))


def _unpacked(layout: Any, rows: np.ndarray) -> list[dict[str, int]]:
    return [layout.unpack(int.from_bytes(row.astype("<u4").tobytes(), "little")) for row in rows]


def _sizes(header: Mapping[str, int], file: str) -> Configuration:
    for sizes in CONFIGURATIONS.values():
        if all(getattr(sizes, name) == header[name] for name in _SHAPE):
            return sizes
    found = ", ".join(f"{name} {header[name]}" for name in _SHAPE)
    raise BadInput(f"{file}: found {found}, allowed those of {', '.join(CONFIGURATIONS)}")


def _host_text(host: Mapping[str, Any]) -> bytes:
    """JSON, filled with spaces to whole words."""
    text = json.dumps(host, sort_keys=True, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 4)


def _host_section(text: bytes, file: str) -> dict[str, Any]:
    try:
        host = json.loads(text)
    except (ValueError, RecursionError):
        host = None
    if not isinstance(host, dict):
        raise BadInput(f"{file}: found a host part that is no JSON object, allowed one")
    if host.get("configuration") not in CONFIGURATIONS:
        raise BadInput(f"{file}: found no configuration, allowed {', '.join(CONFIGURATIONS)}")
    return host


def _check_header(header: Mapping[str, int], file: str) -> None:
    if header["magic"] != IMAGE_MAGIC:
        raise BadInput(f"{file}: found mark {header['magic']:#010x}, allowed {IMAGE_MAGIC:#010x} (a program image)")
    if header["version"] != IMAGE_VERSION:
        raise BadInput(f"{file}: found version {header['version']}, allowed {IMAGE_VERSION}")
    if header["arithmetic"] not in list(Arithmetic):
        raise BadInput(f"{file}: found arithmetic {header['arithmetic']}, allowed {list(map(int, Arithmetic))}")


def _check_sum(body: bytes, given: bytes, what: str) -> None:
    found, want = zlib.crc32(body), int.from_bytes(given, "little")
    if found != want:
        raise BadInput(f"{what}: found CRC {found:#010x}, allowed {want:#010x} (the image is damaged)")
