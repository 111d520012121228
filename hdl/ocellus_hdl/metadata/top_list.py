"""Keeps the largest values of a vector, in order."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import MAX_TOP_K, METADATA_SETTINGS, OBJECT, TENSOR_BYTE

from ..layouts import struct

SIGHTING = data.StructLayout({"object": struct(OBJECT), "end": 1, "overflow": 1})
"""An object of the record; or, with ``end`` set, no object but the tensor's end, and whether objects were left out."""

ENTRY = data.StructLayout({"filled": 1, "value": signed(8), "index": 16})


class TopList(wiring.Component):
    """The ``top_k`` largest values, largest first, equal ones in order of their index; docs/metadata.md, *Vector*.

    A value every two clocks, without stalls until the last; then an object a clock.

    Attributes
    ----------
    i : stream(TENSOR_BYTE), in
        The vector, up to 65536 values.
    i_settings : METADATA_SETTINGS, in
        ``top_k`` (values above 16 count as 16), ``origin_*``, ``window_*``.
    o : stream(SIGHTING), out
        Objects that cover the window, then the end.
    """

    i: In(stream.Signature(struct(TENSOR_BYTE)))
    i_settings: In(struct(METADATA_SETTINGS))
    o: Out(stream.Signature(SIGHTING))

    def elaborate(self, platform: object) -> Module:
        """A sorted row of entries: a value pushes all smaller ones down at once."""
        m = Module()
        settings = self.i_settings
        entries = Signal(data.ArrayLayout(ENTRY, MAX_TOP_K))
        fresh = Signal(ENTRY, init={"filled": 1})
        index = Signal(16)
        given = Signal(range(MAX_TOP_K + 1))
        found = self.o.payload.object
        best = entries[0]
        m.d.comb += [
            found.class_index.eq(best.index),
            found.score.eq(best.value),
            found.centre_x.eq(settings.origin_x + (settings.window_w >> 1)),
            found.centre_y.eq(settings.origin_y + (settings.window_h >> 1)),
            found.left.eq(settings.origin_x),
            found.top.eq(settings.origin_y),
            found.width.eq(settings.window_w),
            found.height.eq(settings.window_h),
        ]

        # Entries are sorted, so those that a fresh value goes before are the lower end of the list.
        # It is compared in one clock, and put among them in the next.
        goes_before = Signal(MAX_TOP_K)
        compares, places = Signal(), Signal()
        m.d.sync += [compares.eq(0), places.eq(compares)]
        for k in range(MAX_TOP_K):
            m.d.sync += goes_before[k].eq(~entries[k].filled | (fresh.value > entries[k].value))
        with m.If(~compares):
            m.d.sync += [fresh.value.eq(self.i.payload.value), fresh.index.eq(index)]
        with m.If(places):
            for k in range(MAX_TOP_K):
                with m.If(goes_before[k]):
                    m.d.sync += entries[k].eq(fresh)
                    if k > 0:
                        with m.If(goes_before[k - 1]):
                            m.d.sync += entries[k].eq(entries[k - 1])

        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(~compares)
                with m.If(self.i.valid & ~compares):
                    m.d.sync += [compares.eq(1), index.eq(index + 1)]
                    with m.If(self.i.payload.last):
                        m.d.sync += [index.eq(0), given.eq(0)]
                        m.next = "SETTLE"
            with m.State("SETTLE"), m.If(places):
                m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.end.eq(~best.filled | (given == settings.top_k) | (given == MAX_TOP_K)),
                ]
                with m.If(self.o.ready):
                    m.d.sync += given.eq(given + 1)
                    for k in range(MAX_TOP_K - 1):
                        m.d.sync += entries[k].eq(entries[k + 1])
                    m.d.sync += entries[MAX_TOP_K - 1].filled.eq(0)
                    with m.If(self.o.payload.end):
                        m.d.sync += [entries[k].filled.eq(0) for k in range(MAX_TOP_K)]
                        m.next = "TAKE"
        return m
