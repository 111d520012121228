"""A bench in Verilog with cells side by side: each gets its bits of the inputs, and has its bits of the outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from .model import Model, build

Pins = Sequence[str | tuple[str, int]]
"""Names of one bit, or (name, width)."""


@dataclass(frozen=True)
class Instance:
    """A cell.

    Attributes
    ----------
    cell : str
    parameters : mapping of str to str
        As Verilog has them.
    inputs, outputs : Pins
        In the order of their bits in :meth:`Cells.run`'s integers, the lowest first.
    """

    cell: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Pins = ()
    outputs: Pins = ()


def width(pins: Pins) -> int:
    """Bits of pins together."""
    return sum(1 if isinstance(pin, str) else pin[1] for pin in pins)


def wires(pins: Pins, bus: str, at: int) -> list[str]:
    """Connections of pins, in their order, to the bits of a bus from ``at`` on."""
    found = []
    for pin in pins:
        found.append(f".{pin if isinstance(pin, str) else pin[0]}({bus}[{at} +: {width([pin])}])")
        at += width([pin])
    return found


@dataclass
class Cells:
    """Cells in a model; use it in a ``with`` statement.

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
        lines, i_bits, o_bits = [], 0, 0
        for name, one in self.instances.items():
            pins = [
                *(f".{pin}(clk)" for pin in self.clocks.get(one.cell, ())),
                *wires(one.inputs, "i", i_bits),
                *wires(one.outputs, "o", o_bits),
            ]
            parameters = ", ".join(f".{key}({value})" for key, value in one.parameters.items())
            lines.append(f"  {one.cell} #({parameters}) {name} ({', '.join(pins)});\n")
            i_bits += width(one.inputs)
            o_bits += width(one.outputs)
        text = f"module bench(input clk, input [{i_bits - 1}:0] i, output [{o_bits - 1}:0] o);\n"
        text += "".join(lines) + "endmodule\n"
        self._model = Model(build([*self.sources, text], "cells"), i_bits, o_bits)
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
        words = [0] * max(map(len, inputs.values()))
        at = 0
        for name, one in self.instances.items():
            for n, value in enumerate(inputs.get(name, ())):
                assert value >> width(one.inputs) == 0
                words[n] |= value << at
            at += width(one.inputs)
        given = self._model.run_words(words)
        found, at = {}, 0
        for name, one in self.instances.items():
            mask = (1 << width(one.outputs)) - 1
            found[name] = [word >> at & mask for word in given]
            at += width(one.outputs)
        return found
