"""A bench in Verilog with cells side by side: each gets its bits of the inputs, and has its bits of the outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from .model import Model, build


@dataclass(frozen=True)
class Instance:
    """A cell; pins are names of one bit, or (name, width).

    Attributes
    ----------
    cell : str
    parameters : mapping of str to str
        As Verilog has them.
    inputs, outputs : sequence of str or (str, int)
        Pins in the order of their bits in :meth:`Cells.run`'s integers, the lowest first.
    """

    cell: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[str | tuple[str, int]] = ()
    outputs: Sequence[str | tuple[str, int]] = ()


def width(pin: str | tuple[str, int]) -> int:
    """Bits of a pin."""
    return 1 if isinstance(pin, str) else pin[1]


CLOCKS = ("CLK", "CLKA", "CLKB", "CLK0", "WCK", "CLKI")
"""Pins of these names are the bench's clock, where they are no inputs of the instance."""


@dataclass
class Cells:
    """Cells in a model; use it in a ``with`` statement. All that have the same inputs may share them.

    Attributes
    ----------
    instances : dict of str to Instance
    clocks : dict of str to sequence of str
        The clock pins that each cell has.
    sources : sequence of str
        Verilog beside the cells of this folder.
    """

    instances: Mapping[str, Instance]
    clocks: Mapping[str, Sequence[str]]
    sources: Sequence[str] = ()

    def __enter__(self) -> Self:
        """Build it, or find it."""
        self._from: dict[str, int] = {}
        lines, at, out = [], 0, 0
        for name, one in self.instances.items():
            self._from[name] = out
            pins = []
            here = at
            for way, bus in (("i", one.inputs), ("o", one.outputs)):
                for pin in bus:
                    n = here if way == "i" else out
                    pins.append(f".{pin if isinstance(pin, str) else pin[0]}({way}[{n} +: {width(pin)}])")
                    if way == "i":
                        here += width(pin)
                    else:
                        out += width(pin)
            at = here
            pins += [f".{pin}(clk)" for pin in self.clocks.get(one.cell, ())]
            parameters = ", ".join(f".{key}({value})" for key, value in one.parameters.items())
            lines.append(f"  {one.cell} #({parameters}) {name} ({', '.join(pins)});")
        self._bits = (at, out)
        text = f"module bench(input clk, input [{max(at, 1) - 1}:0] i, output [{out - 1}:0] o);\n"
        text += "\n".join(lines) + "\nendmodule\n"
        self._model = Model(build([*self.sources, text], "cells"), max(at, 1), out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free it."""
        self._model.__exit__(kind, error, trace)

    def run(self, inputs: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """From the clock in which it stands: each cell's inputs, an integer a clock, and its outputs before each edge.

        Cells that are not named see zeros.
        """
        clocks = max(map(len, inputs.values()))
        words = [0] * clocks
        at = 0
        for name, one in self.instances.items():
            bits = sum(map(width, one.inputs))
            for n, value in enumerate(inputs.get(name, ())):
                words[n] |= (value & (1 << bits) - 1) << at
            at += bits
        got = self._model.run_words(words)
        found = {}
        for name, one in self.instances.items():
            mask = (1 << sum(map(width, one.outputs))) - 1
            found[name] = [word >> self._from[name] & mask for word in got]
        return found
