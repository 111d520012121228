"""Keeps what the requantiser and the writer must know of each group while the array works on it."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration

from .cells import passing
from .drain import BEAT
from .words import beat_pixels, flow, tag

DEPTH = 32
"""Groups between the command and the requantiser's last clocks: windows may end one a clock."""
LONG = 16
"""Convolutions among them, which end every third clock where they have more than one beat."""

TERMS = ("out_sub", "zero_point", "minimum", "maximum", "epilogue", "layer", "ends")
"""What is the same for all beats of a group."""


def queued(c: Configuration) -> data.StructLayout:
    """A group's tag, and whether it is a convolution."""
    return data.StructLayout({"point": 1, **tag(c)})


def beat_tag(c: Configuration) -> data.StructLayout:
    """The tag of one beat: its pixels' places, and the terms of its group; ``last`` of the group."""
    n = beat_pixels(c)
    lines, banks = range(c.lines), range(c.banks)
    fields = tag(c)
    return data.StructLayout(
        {
            "pixels": data.ArrayLayout(1, n),
            "line": data.ArrayLayout(lines, n),
            "bank": data.ArrayLayout(banks, n),
            "point": 1,
            "last": 1,
            **{name: fields[name] for name in TERMS},
        }
    )


class Groups(wiring.Component):
    """A group in and a beat out a clock; a beat's tag comes a clock after it is asked for.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(queued), in
    i_beat : flow(BEAT), in
    o : beat_tag, out
        Steady until the next beat.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__({"i": In(flow(queued(c))), "i_beat": In(flow(BEAT)), "o": Out(beat_tag(c))})

    def elaborate(self, platform: object) -> Module:
        """One LUT RAM for terms and first pixels, one for those of the later beats of convolutions."""
        m = Module()
        c = self._c
        n = beat_pixels(c)
        given, beat = self.i.payload, self.i_beat.payload

        places = data.StructLayout({name: beat_tag(c)[name].shape for name in ("pixels", "line", "bank")})
        terms = data.StructLayout({name: tag(c)[name] for name in TERMS})

        def piece(first: int) -> Any:
            view = Signal(places, name=f"piece_{first}")
            for j in range(n):
                if first + j < PIXELS:
                    m.d.comb += [
                        view.pixels[j].eq(given.pixels[first + j]),
                        view.line[j].eq(given.out_line[first + j]),
                        view.bank[j].eq(given.out_bank[first + j]),
                    ]
            return view

        m.submodules.groups = groups = memory.Memory(
            shape=data.StructLayout({"places": places, "terms": terms}), depth=DEPTH, init=[]
        )
        write, read = groups.write_port(), groups.read_port(domain="comb")
        # The place behind the last is free, and holds what was written when it becomes the last.
        m.d.comb += [
            write.en.eq(passing(platform, self.i.valid)),
            write.data.places.eq(piece(0)),
            *(write.data.terms[name].eq(given[name]) for name in TERMS),
        ]
        tail, head = Signal(range(DEPTH)), Signal(range(DEPTH))
        m.d.comb += [write.addr.eq(tail), read.addr.eq(head)]
        with m.If(self.i.valid):
            m.d.sync += tail.eq(tail + 1)
        with m.If(self.i_beat.valid & beat.last):
            m.d.sync += head.eq(head + 1)

        place = Signal(places)
        m.d.comb += place.eq(read.data.places)
        if c.beats > 1:
            shape = data.ArrayLayout(places, c.beats - 1)
            m.submodules.later = later = memory.Memory(shape=shape, depth=LONG, init=[])
            write, read_later = later.write_port(), later.read_port(domain="comb")
            tail, head = Signal(range(LONG), name="later_tail"), Signal(range(LONG), name="later_head")
            m.d.comb += [
                write.en.eq(passing(platform, self.i.valid & given.point)),
                *(write.data[k].eq(piece((k + 1) * c.beat_pixels)) for k in range(c.beats - 1)),
                write.addr.eq(tail),
                read_later.addr.eq(head),
            ]
            with m.If(self.i.valid & given.point):
                m.d.sync += tail.eq(tail + 1)
            with m.If(self.i_beat.valid & beat.last & beat.point):
                m.d.sync += head.eq(head + 1)
            for k in range(c.beats - 1):
                with m.If(beat.number == k + 1):
                    m.d.comb += place.eq(read_later.data[k])

        with m.If(self.i_beat.valid):
            m.d.sync += [
                *(self.o[name].eq(place[name]) for name in ("pixels", "line", "bank")),
                *(self.o[name].eq(read.data.terms[name]) for name in TERMS),
                self.o.point.eq(beat.point),
                self.o.last.eq(beat.last),
            ]
        return m
