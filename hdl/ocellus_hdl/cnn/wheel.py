"""The activation memory: a wheel of banks that delivers one word of each, beginning with any of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .cells import choice_of_four, copies, passing
from .words import PAIR, flow, slots

RADIX = 3
"""A rotation chooses among so many places in each stage, and the fill may be a fourth."""
SLOTS = 3
"""Slots that share the bits that turn them."""


def reading(c: Configuration) -> data.StructLayout:
    """A read: slot j is line ``line[j]`` of bank ``base + j``, or ``fill`` in every byte where not ``inside[j]``.

    ``turns`` are the digits of ``base``, the lowest first: :func:`digits` makes them.
    """
    return data.StructLayout(
        {
            "turns": data.ArrayLayout(2, _stages(c)),
            "line": data.ArrayLayout(range(c.lines), c.banks),
            "inside": data.ArrayLayout(1, c.banks),
            "fill": signed(8),
        }
    )


def writing(c: Configuration) -> data.ArrayLayout:
    """A write of each bank: ``enable[p]`` for bytes ``p*outputs ...`` of its word."""
    pieces = c.word // c.outputs
    bank = {"enable": pieces, "line": range(c.lines), "data": data.ArrayLayout(8 * c.outputs, pieces)}
    return data.ArrayLayout(data.StructLayout(bank), c.banks)


class Wheel(wiring.Component):
    """A read and a write of every bank a clock; no backpressure.

    A read arrives :meth:`latency` clocks later, for one clock. The banks see its address
    :meth:`address_latency` clocks after ``i_read``: a write presented in that clock or before it is seen by the read
    from the next clock on.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_read : flow(reading), in
    i_write : writing, in
    o : slots, out
    o_soon : slots, out
        What ``o`` is in the next clock, when a read arrives.
    o_fill : signed(8), out
        Of the read whose words ``o`` are in the next clock.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_read": In(flow(reading(c))),
                "i_write": In(writing(c)),
                "o": Out(slots(c)),
                "o_soon": Out(slots(c)),
                "o_fill": Out(signed(8)),
            }
        )

    @staticmethod
    def address_latency(c: Configuration) -> int:
        """Clocks in which the lines are brought to their banks."""
        return _stages(c)

    @staticmethod
    def latency(c: Configuration) -> int:
        """Clocks from a read to its words: there, memory, back."""
        return 2 * _stages(c) + 1

    def elaborate(self, platform: object) -> Module:
        """Rotate the lines by ``base``, digit by digit of base three, read, rotate the words back."""
        m = Module()
        c = self._c
        stages = _stages(c)

        # What accompanies the read; row n is n clocks old.
        valid: list[Value] = [self.i_read.valid]
        turn: list[Any] = [self.i_read.payload.turns]
        inside: list[Any] = [self.i_read.payload.inside]
        fill: list[Any] = [self.i_read.payload.fill]
        for n in range(self.latency(c) - 1):
            row = Signal(name=f"valid_{n + 1}")
            m.d.sync += row.eq(valid[n])
            valid.append(row)
            for values in (turn, inside, fill):
                after = Signal.like(values[n], name="after")
                with m.If(passing(platform, valid[n])):
                    m.d.sync += after.eq(values[n])
                values.append(after)
        m.d.comb += self.o_fill.eq(fill[-1])

        def among(values: Sequence[Value], at: int, step: int, otherwise: Value) -> list[Value]:
            """What one of four may be: a value, those one and two steps further, something else."""
            return [*(values[(at + k * step) % c.banks] for k in range(RADIX)), otherwise]

        lines: list[Value] = [self.i_read.payload.line[j] for j in range(c.banks)]
        for n in range(stages):
            moved = []
            for b in range(c.banks):
                items = among(lines, b, -(RADIX**n), lines[b])
                moved.append(choice_of_four(m, platform, items, turn[n][n], f"moved_{n}_{b}"))
            lines = self._registered(m, passing(platform, valid[n]), moved, f"line_{n}")

        at = stages
        words: list[Value] = []
        for b in range(c.banks):
            write_in = self.i_write[b]
            m.submodules[f"bank_{b}"] = bank = memory.Memory(shape=write_in.data.shape(), depth=c.lines, init=[])
            write, read = bank.write_port(granularity=1), bank.read_port()
            m.d.comb += [
                write.addr.eq(write_in.line),
                write.data.eq(write_in.data),
                write.en.eq(write_in.enable),
                read.addr.eq(lines[b]),
                read.en.eq(valid[at]),
            ]
            words.append(read.data.as_value())
        at += 1

        # In the last stage a slot outside the picture takes the fill.
        pairs, size = c.word // PAIR, 8 * PAIR
        for n in range(stages):
            last = n == stages - 1
            if last:
                fills = copies(m, platform, fill[at - 1], pairs * -(-c.banks // SLOTS), "fill")
                turns = [Mux(inside[at - 1][j], turn[at - 1][n], RADIX) for j in range(c.banks)]
                choices = [copies(m, platform, value, pairs, f"choice_{j}") for j, value in enumerate(turns)]
            else:
                shared = copies(m, platform, turn[at - 1][n], pairs * -(-c.banks // SLOTS), f"turn_{n}")
                fills = [Const(0, 8)] * len(shared)
                choices = [shared[pairs * (j // SLOTS) :][:pairs] for j in range(c.banks)]
            turned = []
            for j in range(c.banks):
                chosen = []
                for p in range(pairs):
                    filled = fills[pairs * (j // SLOTS) + p].replicate(PAIR)
                    parts = [word.word_select(p, size) for word in words]
                    items = among(parts, j, RADIX**n, filled if last else parts[j])
                    chosen.append(choice_of_four(m, platform, items, choices[j][p], f"turned_{n}_{j}_{p}"))
                turned.append(Cat(chosen))
            if last:
                m.d.comb += [self.o_soon[j].eq(turned[j]) for j in range(c.banks)]
            words = self._registered(m, passing(platform, valid[at]), turned, f"turned_{n}")
            at += 1
        m.d.comb += [self.o[j].eq(words[j]) for j in range(c.banks)]
        return m

    @staticmethod
    def _registered(m: Module, enable: Value, values: Iterable[Value], name: str) -> list[Any]:
        rows = []
        for n, value in enumerate(values):
            row = Signal(Value.cast(value).shape(), name=f"{name}_{n}")
            with m.If(enable):
                m.d.sync += row.eq(value)
            rows.append(row)
        return rows


def digits(m: Module, c: Configuration, base: Value) -> Value:
    """The digits of a bank's number, base three."""
    turns = Signal(data.ArrayLayout(2, _stages(c)), name="turns")
    with m.Switch(base):
        for number in range(c.banks):
            with m.Case(number):
                m.d.comb += [turns[n].eq(number // RADIX**n % RADIX) for n in range(_stages(c))]
    return turns.as_value()


def _stages(c: Configuration) -> int:
    """Digits of a bank's number, one for each stage of a rotation."""
    return next(n for n in range(1, c.banks) if RADIX**n >= c.banks)
