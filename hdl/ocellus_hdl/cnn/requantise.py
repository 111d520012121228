"""The requantiser's lanes, and who uses them when."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import LARGEST_SHIFT

from .cells import copies, passing
from .drain import BEAT
from .groups import beat_tag
from .lane import RequantiserLane
from .words import ENTRY, SECOND, entry_count, flow
from .writer import finished

ELEMENT = data.StructLayout({"value": signed(32), "carry": 1})
"""What an epilogue wants requantised: ``value + carry``."""
NEIGHBOURS = 4
"""Lanes that share registers of what all lanes take."""


class Requantise(wiring.Component):
    """A beat a clock; :attr:`LATENCY` clocks, no backpressure.

    Epilogues use the last ``combiners`` lanes a second time, in clocks in which no beat of windows does: a
    convolution's beat does not reach them.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(BEAT), in
    i_windows : array of unsigned(1), in
        Whether ``i`` is a beat of windows: it keeps seconds out, and chooses for the last lanes.
    i_value : array of sums, in
        One a lane.
    i_entries : array of ENTRY, in
        With ``i``; lane n takes entry n modulo their number.
    i_single : unsigned(1), in
        How sums are rounded; steady, from a clock before the first. Epilogues always round twice.
    o_beat : flow(BEAT), out
        The beat whose tag must be in ``i_tag`` in the next clock.
    i_tag : beat_tag, in
    o : flow(finished), out
    i_second : stream(ELEMENT for each combiner), in
    i_terms : SECOND, in
        Steady.
    o_second : flow(byte for each combiner), out
        :attr:`LATENCY` clocks after it was taken.
    o_soon : unsigned(1), out
        ``o_second`` is valid in the next clock.
    """

    LATENCY = RequantiserLane.LATENCY

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(BEAT)),
                "i_windows": In(data.ArrayLayout(1, 2)),
                "i_value": In(data.ArrayLayout(signed(32), c.lanes)),
                "i_entries": In(data.ArrayLayout(ENTRY, entry_count(c))),
                "i_single": In(1),
                "o_beat": Out(flow(BEAT)),
                "i_tag": In(beat_tag(c)),
                "o": Out(flow(finished(c))),
                "i_second": In(stream.Signature(data.ArrayLayout(ELEMENT, c.combiners))),
                "i_terms": In(SECOND),
                "o_second": Out(flow(data.ArrayLayout(signed(8), c.combiners))),
                "o_soon": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The lanes; beside them the beats, their tags from when the lanes ask for zero points, and the seconds."""
        m = Module()
        c = self._c
        terms = self.i_terms

        beats: list[Any] = [self.i]
        seconds: list[Any] = [Signal(name="second_0")]
        m.d.comb += [
            self.i_second.ready.eq(~self.i_windows[0]),
            seconds[0].eq(self.i_second.valid & self.i_second.ready),
        ]
        for n in range(self.LATENCY):
            beat = Signal(data.StructLayout({"valid": 1, "payload": BEAT}), name=f"beat_{n + 1}")
            second = Signal(name=f"second_{n + 1}")
            m.d.sync += [beat.valid.eq(beats[n].valid), second.eq(seconds[n])]
            with m.If(passing(platform, beats[n].valid)):
                m.d.sync += beat.payload.eq(beats[n].payload)
            beats.append(beat)
            seconds.append(second)
        # Lanes lie far apart: what they take of the tag has registers for a few of them each.
        at_zero_point = self.LATENCY - 2
        asking = beats[at_zero_point - 2]
        m.d.comb += [self.o_beat.valid.eq(asking.valid), self.o_beat.payload.eq(asking.payload)]
        tags: list[Any] = [self.i_tag]
        for n in range(3):
            tag = Signal(beat_tag(c), name=f"tag_{n}")
            with m.If(passing(platform, beats[at_zero_point - 1 + n].valid)):
                m.d.sync += tag.eq(tags[n])
            tags.append(tag)
        first, groups = c.lanes - c.combiners, -(-c.lanes // NEIGHBOURS)

        def near(name: str, tag: Any, at: int) -> list[Value]:
            """A clock later, for each lane: the tag's, or for the second use of the last lanes the terms'."""
            plain = copies(m, platform, tag[name], groups, name)
            chosen = Mux(seconds[at], terms[f"{name}_3"], tag[name])
            either = copies(m, platform, chosen, -(-c.combiners // NEIGHBOURS), f"{name}_either")
            return [either[(n - first) // NEIGHBOURS] if n >= first else plain[n // NEIGHBOURS] for n in range(c.lanes)]

        zero_points = near("zero_point", tags[0], at_zero_point - 1)
        minima, maxima = (near(name, tags[1], at_zero_point) for name in ("minimum", "maximum"))

        singles = copies(m, platform, self.i_single, groups, "single")
        takes_sum = self.i_windows[1]  # of the last lanes: no matter what they do in a convolution's beat, or in none

        for n in range(c.lanes):
            entry = self.i_entries[n % len(self.i_entries)]
            m.submodules[f"lane_{n}"] = lane = RequantiserLane(LARGEST_SHIFT.bit_length())
            m.d.comb += [
                self.o.payload.value[n].eq(lane.o),
                lane.i_zero_point.eq(zero_points[n]),
                lane.i_minimum.eq(minima[n]),
                lane.i_maximum.eq(maxima[n]),
            ]
            combiner = n - first
            if combiner < 0:
                m.d.comb += [
                    lane.i_value.eq(self.i_value[n]),
                    lane.i_bias.eq(entry.bias),
                    lane.i_multiplier.eq(entry.multiplier),
                    lane.i_shift.eq(entry.shift),
                    lane.i_single.eq(singles[n // NEIGHBOURS]),
                ]
                continue
            element = self.i_second.payload[combiner]
            m.d.comb += [
                lane.i_value.eq(Mux(takes_sum, self.i_value[n], element.value)),
                lane.i_bias.eq(Mux(takes_sum, entry.bias, element.carry)),
                lane.i_multiplier.eq(Mux(takes_sum, entry.multiplier, terms.multiplier_3)),
                lane.i_shift.eq(Mux(takes_sum, entry.shift, terms.shift_3)),
                lane.i_single.eq(singles[n // NEIGHBOURS] & takes_sum),
                self.o_second.payload[combiner].eq(lane.o),
            ]
        m.d.comb += [
            self.o.valid.eq(beats[-1].valid),
            self.o.payload.tag.eq(tags[-1]),
            self.o_second.valid.eq(seconds[-1]),
            self.o_soon.eq(seconds[-2]),
        ]
        return m
