"""One frame in time, as plain data: when each stage and each layer worked, and when the record left."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ocellus.settings import FrameFormat

CLOCK_HZ = 74_250_000

Stretch = tuple[int, int]
"""From one clock up to, and without, another."""


def milliseconds(clocks: float) -> float:
    """Time of so many clocks at 74.25 MHz."""
    return clocks / CLOCK_HZ * 1e3


@dataclass(frozen=True)
class Layer:
    """A layer of the network, and the stretches in which it worked."""

    number: int
    operator: str
    tensor: str
    busy: tuple[Stretch, ...]

    @property
    def clocks(self) -> int:
        """Clocks in which it worked."""
        return sum(last - first for first, last in self.busy)


@dataclass(frozen=True)
class FrameTimes:
    """Clocks count from the moment readout was enabled.

    Attributes
    ----------
    begin : int
        That moment, in clocks since the run's reset.
    clocks : int
        Up to the last handshake anywhere.
    pixels : (int, int)
        First and last clock in which pixels left readout.
    record : int or None
        When the last byte of the record's packet left the chip; None where none did.
    busy : mapping
        Stretches of each stage, by its name.
    """

    seed: int
    frame: FrameFormat
    live: bool
    begin: int
    clocks: int
    pixels: Stretch
    record: int | None
    busy: Mapping[str, tuple[Stretch, ...]]
    layers: tuple[Layer, ...]

    def stage_clocks(self, stage: str) -> int:
        """Clocks in which a stage worked."""
        return sum(last - first for first, last in self.busy.get(stage, ()))

    @property
    def blanking(self) -> Stretch | None:
        """From the last pixel to the next frame's first, when the array is live; else the array waits, as told."""
        first, last = self.pixels
        return (last + 1, first + self.frame.clocks_per_frame) if self.live else None

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "FrameTimes":
        """The frame of `as_json`; ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        layers = tuple(Layer(**{**layer, "busy": _stretches(layer["busy"])}) for layer in data["layers"])
        first, last = data["pixels"]
        return cls(
            **{
                **data, "frame": FrameFormat(**data["frame"]), "pixels": (first, last), "layers": layers,
                "busy": {stage: _stretches(busy) for stage, busy in data["busy"].items()},
            }
        )  # fmt: skip


def _stretches(pairs: Any) -> tuple[Stretch, ...]:
    return tuple((int(first), int(last)) for first, last in pairs)
