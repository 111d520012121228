"""Finds the local maxima of a heat map."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import MAX_OBJECTS, METADATA_SETTINGS, TENSOR_BYTE

from ..layouts import struct
from .row_store import BOX_CHANNELS, PLACE, ROW_BYTES, RowStore

PEAK = data.StructLayout(
    {
        "class_index": 5, "score": signed(8), "column": 8, "row": 8,
        "box": data.ArrayLayout(signed(8), BOX_CHANNELS),
        "end": 1, "overflow": 1,
    }
)  # fmt: skip
"""A peak and its cell's box channels; or, with ``end`` set, none of these but the end of the tensor, and whether
there were more peaks than a record holds."""

POSITION = data.StructLayout({"class_index": 5, "column": 8, "byte": range(ROW_BYTES)})
"""A class score in the row being read, and where it lies in that row."""

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(rows, columns) away: the four that come before a cell in row order, then the four that come after."""


class PeakFinder(wiring.Component):
    """docs/metadata.md, *Heat map*, says what a peak is.

    A clock for each score below the threshold; a score above it costs up to 16 clocks, and a peak 11 more. Rows are
    read as they arrive; when they come too fast, ``i`` waits. After :data:`MAX_OBJECTS` peaks the next one ends the
    search.

    Attributes
    ----------
    i : stream(TENSOR_BYTE), in
    i_settings : METADATA_SETTINGS, in
    o : stream(PEAK), out
        Peaks in row, column, class order, then the end.
    """

    i: In(stream.Signature(struct(TENSOR_BYTE)))
    i_settings: In(struct(METADATA_SETTINGS))
    o: Out(stream.Signature(PEAK))

    def elaborate(self, platform: object) -> Module:
        """A reader four clocks deep: place, memory, value, verdict; rewound when a score is worth a closer look."""
        m = Module()
        settings = self.i_settings
        m.submodules.rows = rows = RowStore()
        connect(m, flipped(self.i), rows.i)
        m.d.comb += rows.i_settings.eq(settings)

        row = Signal(9)
        has_below = Signal()
        found = Signal(range(MAX_OBJECTS + 1))
        peak = Signal(PEAK)
        m.d.comb += [rows.i_row.eq(row), self.o.payload.eq(peak)]

        # What was asked of the memory one, two and three clocks ago: ``value`` answers the second, ``hit`` judges the
        # third. Scores are asked for at once; neighbours and box channels are, from a register, in the clock after.
        value = Signal(signed(8))
        hit = Signal()
        strict, scans = Signal(), Signal()
        asks, probes = Signal(), Signal()
        probe = Signal(PLACE)
        asked = Signal(3)
        limit = Mux(scans, settings.threshold, peak.score)
        m.d.sync += [
            value.eq(rows.o_value),
            # Greater than the limit; or, when not strict, at least as great.
            hit.eq(Cat(1, value).as_signed() > Cat(strict, limit).as_signed()),
            asked.eq(Cat(asks, asked)),
            probes.eq(0),
        ]
        m.d.comb += [rows.i_place.eq(probe), asks.eq(probes)]
        drained = ~asked.any() & ~probes

        position = Signal(POSITION)
        past = Signal(data.ArrayLayout(POSITION, 3))
        row_done = Signal()
        following = Signal(POSITION)
        passes_row = Signal()
        m.d.sync += [past[0].eq(position), past[1].eq(past[0]), past[2].eq(past[1])]
        m.d.comb += following.eq(position)
        with m.If(position.class_index + 1 == settings.classes):
            m.d.comb += [
                following.class_index.eq(0),
                following.column.eq(position.column + 1),
                following.byte.eq(position.byte + (BOX_CHANNELS + 1)),
                passes_row.eq(position.column + 1 == settings.grid_w),
            ]
        with m.Else():
            m.d.comb += [
                following.class_index.eq(position.class_index + 1),
                following.byte.eq(position.byte + 1),
            ]

        step = Signal(range(len(NEIGHBOURS) + 1))
        neighbour = Signal(PLACE)
        exists = Signal()
        is_first_column = position.column == 0
        is_last_column = position.column + 1 == settings.grid_w
        channels, scores_left = Signal(5), Signal(5)  # of a cell; from this score to its box channels
        m.d.sync += [
            channels.eq(settings.classes + BOX_CHANNELS),
            scores_left.eq(settings.classes - position.class_index),
        ]
        away = Signal(signed(6))
        m.d.comb += neighbour.byte.eq(position.byte + away)
        with m.Switch(step):
            for k, (down, right) in enumerate(NEIGHBOURS):
                with m.Case(k):
                    row_exists = {-1: row != 0, 0: 1, 1: has_below}[down]
                    column_exists = {-1: ~is_first_column, 0: 1, 1: ~is_last_column}[right]
                    m.d.comb += [
                        neighbour.row.eq(row + down),
                        away.eq({-1: -channels, 0: 0, 1: channels}[right]),
                        exists.eq(row_exists & column_exists),
                    ]

        def resume_scan() -> None:
            m.d.sync += [asked.eq(0), probes.eq(0), position.eq(following), row_done.eq(passes_row)]
            m.next = "SCAN"

        with m.FSM():
            with m.State("AWAIT_ROWS"):
                m.d.sync += [position.eq(0), row_done.eq(0), has_below.eq(rows.o_rows > row + 1)]
                with m.If((rows.o_rows > row) & ((rows.o_rows > row + 1) | rows.o_complete)):
                    m.next = "SCAN"
                with m.Elif((rows.o_rows == row) & rows.o_ended):
                    m.next = "END"
            with m.State("SCAN"):
                m.d.comb += [
                    scans.eq(1),
                    asks.eq(~row_done),
                    rows.i_place.row.eq(row),
                    rows.i_place.byte.eq(position.byte),
                ]
                with m.If(~row_done):
                    m.d.sync += [position.eq(following), row_done.eq(passes_row)]
                with m.If(asked[2] & hit):
                    m.d.sync += [asked.eq(0), position.eq(past[2]), step.eq(0)]
                    m.next = "COMPARE"
                with m.Else():
                    m.d.sync += peak.score.eq(value)
                with m.If(row_done & drained):
                    m.d.sync += row.eq(row + 1)
                    m.next = "AWAIT_ROWS"
            with m.State("COMPARE"):
                m.d.sync += [probe.eq(neighbour), probes.eq(exists)]
                with m.If(step != len(NEIGHBOURS)):
                    m.d.sync += step.eq(step + 1)
                # Those that come before must be smaller; ``step`` is three ahead of ``value``.
                m.d.comb += strict.eq(step >= len(NEIGHBOURS) // 2 + 3)
                with m.If(asked[2] & hit):
                    resume_scan()
                with m.Elif((step == len(NEIGHBOURS)) & drained):
                    m.d.sync += step.eq(0)
                    m.next = "READ_BOX"
                    with m.If(found == MAX_OBJECTS):
                        m.d.sync += peak.overflow.eq(1)
                        m.next = "SKIP"
            with m.State("READ_BOX"):
                m.d.sync += [
                    probe.row.eq(row),
                    probe.byte.eq(position.byte + (scores_left + step)),
                    probes.eq(step != BOX_CHANNELS),
                    peak.row.eq(row),
                    peak.column.eq(position.column),
                    peak.class_index.eq(position.class_index),
                ]
                with m.If(step != BOX_CHANNELS):
                    m.d.sync += step.eq(step + 1)
                with m.If(asked[1]):
                    box = peak.box.as_value()
                    m.d.sync += box.eq(Cat(box[len(value) :], value))
                with m.If((step == BOX_CHANNELS) & drained):
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += found.eq(found + 1)
                    resume_scan()
            with m.State("SKIP"):
                m.d.sync += row.eq(rows.o_rows)
                with m.If(rows.o_ended):
                    m.next = "END"
            with m.State("END"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.end.eq(1)]
                with m.If(self.o.ready):
                    m.d.comb += rows.i_clear.eq(1)
                    m.d.sync += [row.eq(0), found.eq(0), peak.overflow.eq(0)]
                    m.next = "AWAIT_ROWS"
        return m
