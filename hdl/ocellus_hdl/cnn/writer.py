"""Brings finished bytes, and the words of the input tensor, to their banks."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .cells import choice_of_four, copies, passing
from .groups import beat_tag
from .wheel import writing
from .words import PAIR, beat_pixels, flow, incoming


def finished(c: Configuration) -> data.StructLayout:
    """A beat of finished bytes, ``pixel*outputs + output`` or ``window*word + channel``, and where they go."""
    return data.StructLayout({"value": data.ArrayLayout(signed(8), c.lanes), "tag": beat_tag(c)})


class Writer(wiring.Component):
    """A beat a clock; :attr:`LATENCY` clocks until the memory holds it, one fewer for an incoming word.

    Bank b takes the pixel whose place lies in it. An incoming word takes two clocks, more while beats take its bank.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(finished), in
    i_input : stream(incoming), in
    o : writing, out
    o_done : unsigned(1), out
        The last beat of a step that ``ends``: a read whose lines come to the banks two clocks later sees it.
    o_soon : unsigned(1), out
        ``o_done`` in the next clock.
    """

    LATENCY = 4

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(finished(c))),
                "i_input": In(stream.Signature(incoming(c))),
                "o": Out(writing(c)),
                "o_done": Out(1),
                "o_soon": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """First which pixel each bank takes, and whole words of their bytes; then the choice."""
        m = Module()
        c = self._c
        n = beat_pixels(c)
        pieces = c.word // c.outputs
        valid, beat = Signal(), Signal(finished(c))
        m.d.sync += valid.eq(self.i.valid)
        with m.If(passing(platform, self.i.valid)):
            m.d.sync += beat.eq(self.i.payload)
        value, place = beat.value, beat.tag

        coming = self.i.payload.tag
        m.d.sync += [self.o_soon.eq(self.i.valid & coming.last & coming.ends), self.o_done.eq(self.o_soon)]

        # Words: a convolution's pixel fills its word again and again, the enable tells which piece counts.
        words = [Signal(8 * c.word, name=f"word_{j}") for j in range(n + 1)]
        with m.If(passing(platform, valid)):
            for j in range(n):
                of_point = [value[j * c.outputs + g % c.outputs] for g in range(c.word)]
                of_window = [value[j * c.word + g] if j < c.windows else 0 for g in range(c.word)]
                for g in range(c.word):
                    byte = Mux(place.point, of_point[g], of_window[g]) if j < c.windows else of_point[g]
                    m.d.sync += words[j][8 * g : 8 * g + 8].eq(byte)

        takes = [Signal(name=f"takes_{j}") for j in range(n)]
        m.d.comb += [takes[j].eq(valid & place.pixels[j]) for j in range(n)]
        came = self.i_input.payload
        # A register: whether the beat that is taken in this clock leaves its bank to the word that waits.
        collides = _any([coming.pixels[j] & (coming.bank[j] == came.bank) for j in range(n)])
        m.d.sync += self.i_input.ready.eq(self.i_input.valid & ~self.i_input.ready & ~(self.i.valid & collides))
        lines = [Signal(range(c.lines), name=f"line_{j}") for j in range(n + 1)]
        enabled = Signal(pieces)
        with m.If(passing(platform, valid)):
            m.d.sync += [lines[j].eq(place.line[j]) for j in range(n)]
            piece = (1 << place.out_sub)[:pieces] if pieces > 1 else 1
            m.d.sync += enabled.eq(Mux(place.point, piece, ~0))
        with m.If(passing(platform, self.i_input.valid)):
            m.d.sync += [words[n].eq(came.data), lines[n].eq(came.line)]

        for b in range(c.banks):
            wanted = [takes[j] & (place.bank[j] == b) for j in range(n)]
            will_write = _any(wanted) | (self.i_input.ready & (came.bank == b))
            wanted.append(~_any(wanted))
            will_choose = [_any([w for j, w in enumerate(wanted) if j >> k & 1]) for k in range(n.bit_length())]
            # A block RAM's bytes have their own bits of what is chosen.
            chosen = copies(m, platform, Cat(will_write, *will_choose), c.word // PAIR, f"choice_{b}")
            bank = self.o[b]
            writes, choice = chosen[0][0], chosen[0][1:]
            m.d.sync += bank.enable.eq(Mux(writes, Mux(choice == n, ~0, enabled), 0))
            with m.If(writes):
                m.d.sync += bank.line.eq(self._chosen(m, platform, lines, choice, f"line_{b}"))
            # Signals of their own: set as slices of the output, they made the simulated accelerator give wrong bytes.
            pairs = [Signal(8 * PAIR, name=f"data_{b}_{p}") for p in range(len(chosen))]
            m.d.comb += bank.data.eq(Cat(pairs))
            for p, pair in enumerate(pairs):
                items = [word.word_select(p, 8 * PAIR) for word in words]
                with m.If(chosen[p][0]):
                    m.d.sync += pair.eq(self._chosen(m, platform, items, chosen[p][1:], f"data_{b}_{p}"))
        return m

    @staticmethod
    def _chosen(m: Module, platform: object, items: Sequence[Value], choice: Value, name: str) -> Value:
        """Item ``choice``, by halves; what lies behind the last item is the last."""
        if len(items) == 4:
            return choice_of_four(m, platform, items, choice, f"chosen_{name}")
        items = list(items)
        for k in range(len(choice)):
            pairs = range(0, len(items), 2)
            items = [Mux(choice[k], items[n + 1], items[n]) if n + 1 < len(items) else items[n] for n in pairs]
        return items[0]


def _any(bits: Sequence[Any]) -> Any:
    result = bits[0]
    for bit in bits[1:]:
        result = result | bit
    return result
