"""A compiled network: descriptors, parameters, weights and what the host has to know, as one image."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInput
from ..formats import IMAGE_HEADER, IMAGE_MAGIC, IMAGE_VERSION, LAYER, PARAMETER, Arithmetic

HEADER_WORDS = -(-IMAGE_HEADER.bits // 32)
LAYER_WORDS = -(-LAYER.bits // 32)
PARAMETER_WORDS = -(-PARAMETER.bits // 32)


@dataclass(frozen=True, eq=False)
class Program:
    """What the accelerator loads, and the host's part.

    Attributes
    ----------
    header : mapping
        Fields of ``IMAGE_HEADER``.
    layers : tuple of mappings
        Fields of ``LAYER``, in order.
    parameters : ndarray
        uint32, (words, requantisers * 3).
    weights : ndarray
        int8, (words, columns * lanes).
    host : mapping
        What JSON can say; docs/compiler.md lists the keys.
    """

    header: Mapping[str, int]
    layers: tuple[Mapping[str, int], ...]
    parameters: np.ndarray
    weights: np.ndarray
    host: Mapping[str, Any]

    @property
    def network_id(self) -> int:
        """The number that records carry: CRC-32 of the network's file."""
        return self.header["network_id"]

    def words(self) -> np.ndarray:
        """What the accelerator loads: uint32 words, the CRC last."""
        parts = [
            np.array(IMAGE_HEADER.words(self.header), np.uint32),
            np.array([LAYER.words(layer) for layer in self.layers], np.uint32).ravel(),
            self.parameters.ravel(),
            np.ascontiguousarray(self.weights).view(np.uint32).ravel(),
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
        parameters: np.ndarray,
        weights: np.ndarray,
        host: Mapping[str, Any],
    ) -> "Program":
        """A program whose header counts are those of its sections."""
        counted = {
            **header,
            "magic": IMAGE_MAGIC,
            "version": IMAGE_VERSION,
            "arithmetic": Arithmetic.DOUBLE,
            "layers": len(layers),
            "parameter_words": len(parameters),
            "weight_words": len(weights),
            "host_bytes": len(_host_text(host)),
        }
        return cls(counted, layers, parameters, weights, host)

    @classmethod
    def from_bytes(cls, content: bytes, file: str = "program image") -> "Program":
        """The program in the bytes of an image; :class:`BadInput` when it is none, damaged, or of another version."""
        if len(content) < 4 * HEADER_WORDS:
            raise BadInput(
                f"{file}: found {len(content)} bytes, allowed a program image of {4 * HEADER_WORDS} and more"
            )
        header = IMAGE_HEADER.unpack(int.from_bytes(content[: 4 * HEADER_WORDS], "little"))
        _check_header(header, file)
        macs = header["lanes"] * header["columns"]
        sizes = (
            HEADER_WORDS,
            header["layers"] * LAYER_WORDS,
            header["parameter_words"] * header["requantisers"] * PARAMETER_WORDS,
            header["weight_words"] * macs // 4,
        )
        loaded = 4 * (sum(sizes) + 1)
        want = loaded + header["host_bytes"] + 4
        if len(content) != want:
            raise BadInput(f"{file}: found {len(content)} bytes, allowed {want} by its header")
        _check_sum(content[: loaded - 4], content[loaded - 4 : loaded], f"{file}: the accelerator's part")
        _check_sum(content[loaded:-4], content[-4:], f"{file}: the host's part")
        words = np.frombuffer(content[: loaded - 4], "<u4").astype(np.uint32)
        _, layer_words, parameters, weights = np.split(words, np.cumsum(sizes)[:-1])
        layers = tuple(
            LAYER.unpack(int.from_bytes(row.astype("<u4").tobytes(), "little"))
            for row in layer_words.reshape(-1, LAYER_WORDS)
        )
        return cls(
            header,
            layers,
            parameters.reshape(-1, header["requantisers"] * PARAMETER_WORDS),
            weights.astype("<u4").view(np.int8).reshape(-1, macs),
            _host_section(content[loaded:-4], file),
        )

    @classmethod
    def load(cls, path: str | Path) -> "Program":
        """The program in an image file; :class:`BadInput` when there is none."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror}), allowed a program image") from None
        return cls.from_bytes(content, str(path))


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
    return host


def _check_header(header: Mapping[str, int], file: str) -> None:
    if header["magic"] != IMAGE_MAGIC:
        raise BadInput(f"{file}: found mark {header['magic']:#010x}, allowed {IMAGE_MAGIC:#010x} (a program image)")
    if header["version"] != IMAGE_VERSION:
        raise BadInput(f"{file}: found version {header['version']}, allowed {IMAGE_VERSION}")
    if header["arithmetic"] != Arithmetic.DOUBLE:
        raise BadInput(f"{file}: found arithmetic {header['arithmetic']}, allowed {int(Arithmetic.DOUBLE)}")
    macs = header["lanes"] * header["columns"]
    if not macs or macs % 4 or not header["requantisers"]:
        raise BadInput(
            f"{file}: found {header['lanes']} lanes, {header['columns']} columns and {header['requantisers']} "
            "requantisers, allowed a number of multipliers that 4 divides"
        )


def _check_sum(body: bytes, given: bytes, what: str) -> None:
    found, want = zlib.crc32(body), int.from_bytes(given, "little")
    if found != want:
        raise BadInput(f"{what}: found CRC {found:#010x}, allowed {want:#010x} (the image is damaged)")
