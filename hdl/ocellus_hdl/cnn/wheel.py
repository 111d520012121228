"""The activation memory: a wheel of banks that delivers one word of each, beginning with any of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .cells import copies, passing
from .words import flow, slots

LEVELS = 2
"""Levels of a rotation between two registers."""
SLOTS = 3
"""Slots that share the bits that turn them."""
HALVES = 2
"""Parts of a word, each in block RAMs of its own and with its own copies of those bits."""


def reading(c: Configuration) -> data.StructLayout:
    """A read: slot j is line ``line[j]`` of bank ``base + j``, or ``fill`` in every byte where not ``inside[j]``."""
    return data.StructLayout(
        {
            "base": range(c.banks),
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
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__({"i_read": In(flow(reading(c))), "i_write": In(writing(c)), "o": Out(slots(c))})

    @staticmethod
    def address_latency(c: Configuration) -> int:
        """Clocks in which the lines are brought to their banks."""
        return len(_stages(c))

    @staticmethod
    def latency(c: Configuration) -> int:
        """Clocks from a read to its words: there, memory, register behind it, back."""
        return 2 * len(_stages(c)) + 2

    def elaborate(self, platform: object) -> Module:
        """Rotate the lines by ``base``, read, rotate the words back."""
        m = Module()
        c = self._c
        stages = _stages(c)

        # What accompanies the read; row n is n clocks old.
        valid = [self.i_read.valid]
        base = [self.i_read.payload.base]
        inside = [self.i_read.payload.inside]
        fill = [self.i_read.payload.fill]
        for n in range(self.latency(c) - 1):
            row = Signal(name=f"valid_{n + 1}")
            m.d.sync += row.eq(valid[n])
            valid.append(row)
            for values in (base, inside, fill):
                after = Signal.like(values[n])
                with m.If(passing(platform, valid[n])):
                    m.d.sync += after.eq(values[n])
                values.append(after)

        lines: list[Value] = [self.i_read.payload.line[j] for j in range(c.banks)]
        for n, levels in enumerate(stages):
            for k in levels:
                lines = [Mux(base[n][k], lines[(b - (1 << k)) % c.banks], lines[b]) for b in range(c.banks)]
            lines = self._registered(m, passing(platform, valid[n]), lines, f"line_{n}")

        at = len(stages)
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
        words = self._registered(m, passing(platform, valid[at]), words, "word")
        at += 1

        def turned(k: int) -> list[Value]:
            """The words ``2^k`` further where that bit of the base is set; a few slots share a copy of it."""
            bits = copies(m, platform, base[at - 1][k], HALVES * -(-c.banks // SLOTS), f"base_{k}")
            return [_chosen(bits[HALVES * (j // SLOTS) :][:HALVES], words, j, k) for j in range(c.banks)]

        for n, levels in enumerate(stages[:-1]):
            for k in levels:
                words = turned(k)
            words = self._registered(m, passing(platform, valid[at]), words, f"turned_{n}")
            at += 1
        for k in stages[-1][:-1]:
            words = turned(k)

        # The last level also fills: a slot outside the picture takes its choosing bits, which then hold the fill, for
        # its bytes. That makes one gate of four inputs a bit.
        k = stages[-1][-1]
        for j in range(c.banks):
            bits = Mux(inside[at - 1][j], base[at - 1][k].replicate(8), fill[at - 1].as_unsigned())
            with m.If(passing(platform, valid[at - 1])):
                outside = copies(m, platform, ~inside[at - 1][j], HALVES, f"outside_{j}")
                choice = copies(m, platform, bits, HALVES, f"choice_{j}")
            chosen = _chosen(choice, words, j, k)
            size = len(chosen) // HALVES
            with m.If(passing(platform, valid[at])):
                for half in range(HALVES):
                    of_half = slice(half * size, (half + 1) * size)
                    filled = choice[half].replicate(size // 8)
                    m.d.sync += self.o[j].as_value()[of_half].eq(Mux(outside[half], filled, chosen[of_half]))
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


def _stages(c: Configuration) -> list[range]:
    """Bits of the rotation that each stage takes."""
    bits = (c.banks - 1).bit_length()
    return [range(n, min(n + LEVELS, bits)) for n in range(0, bits, LEVELS)]


def _chosen(choices: Sequence[Value], words: list[Value], j: int, k: int) -> Value:
    """Word j, or where a bit of its half's choice, repeated as often as it fits, is set the one ``2^k`` further."""
    size = len(words[j]) // HALVES
    bits = Cat(choice.replicate(size // len(choice)) for choice in choices)
    return (words[(j + (1 << k)) % len(words)] & bits) | (words[j] & ~bits)
