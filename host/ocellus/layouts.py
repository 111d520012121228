"""A word made of named bit fields, first field in the least significant bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Field:
    """``count`` integers of ``bits`` bits each; two's complement when ``signed``."""

    name: str
    bits: int
    signed: bool = False
    count: int = 1


@dataclass(frozen=True)
class Layout:
    """Fields packed without gaps; the same object shapes gateware signals and host bytes."""

    name: str
    fields: tuple[Field, ...]

    @cached_property
    def bits(self) -> int:
        """Width of the whole word."""
        return sum(f.bits * f.count for f in self.fields)

    def field(self, name: str) -> Field:
        """The field called ``name``; ``KeyError`` when there is none."""
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(f"{self.name} has no field {name!r}")

    def pack(self, values: Mapping[str, Any]) -> int:
        """The word as a non-negative integer; absent fields are 0.

        A field with ``count > 1`` takes a sequence. ``ValueError`` when a value does not fit.
        """
        word = at = 0
        unknown = set(values) - {f.name for f in self.fields}
        if unknown:
            raise KeyError(f"{self.name} has no field {sorted(unknown)[0]!r}")
        for f in self.fields:
            given = values.get(f.name, [0] * f.count if f.count > 1 else 0)
            items = list(given) if f.count > 1 else [given]
            if len(items) != f.count:
                raise ValueError(f"{self.name}.{f.name}: found {len(items)} values, allowed {f.count}")
            low, high = (-(1 << f.bits - 1), (1 << f.bits - 1) - 1) if f.signed else (0, (1 << f.bits) - 1)
            for item in items:
                value = int(item)
                if not low <= value <= high:
                    raise ValueError(f"{self.name}.{f.name}: found {value}, allowed {low} to {high}")
                word |= (value & (1 << f.bits) - 1) << at
                at += f.bits
        return word

    def unpack(self, word: int) -> dict[str, Any]:
        """The inverse of :meth:`pack`."""
        values: dict[str, Any] = {}
        for f in self.fields:
            items = []
            for _ in range(f.count):
                value = word & (1 << f.bits) - 1
                items.append(value - (1 << f.bits) if f.signed and value >> f.bits - 1 else value)
                word >>= f.bits
            values[f.name] = items if f.count > 1 else items[0]
        return values

    def words(self, values: Mapping[str, Any], bits: int = 32) -> list[int]:
        """The packed word cut into ``bits``-wide pieces, least significant first, zero filled."""
        word = self.pack(values)
        return [word >> at & (1 << bits) - 1 for at in range(0, self.bits, bits)]
