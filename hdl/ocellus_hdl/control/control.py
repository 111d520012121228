"""What a host sets and asks: one 32-bit register an address, beside the path of the pixels."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus import formats
from ocellus.formats import (
    CNN_STATUS,
    CONTROL_REPLY,
    CONTROL_REQUEST,
    GAMMA_WRITE,
    ISP_SETTINGS,
    METADATA_SETTINGS,
    READOUT_SETTINGS,
    TENSOR_SETTINGS,
)
from ocellus.start import Start

from ..layouts import struct
from .register_block import RegisterBlock

GAMMA_ADDRESS = data.StructLayout({"byte": 2, "index": 10, "channel": 2, "tables": 2})
"""An address inside the gamma tables: ``tables`` and ``channel`` together count from ``GAMMA``."""

COUNT_ADDRESS = data.StructLayout({"byte": 2, "way": 2, "layer": 6, "counts": 6})
"""An address inside the accelerator's counts."""


class Control(wiring.Component):
    """docs/control.md is its contract.

    A write takes three clocks, a read five, of a layer's count six; a word of a program image waits until the
    accelerator takes it, a reply until the host does.
    Settings show at the outputs in the third clock after the one that takes the request, one field at a time.

    Parameters
    ----------
    layers : int
        Layers of which the accelerator keeps counts, up to :data:`ocellus.formats.COUNTED_LAYERS`; those of others
        read 0.
    start : Start, or None
        Settings from power-on. They, and what is written later, outlast a reset; without it a reset makes them 0.

    Attributes
    ----------
    i : stream(CONTROL_REQUEST), in
    o : stream(CONTROL_REPLY), out
        One for each read.
    o_readout, o_isp, o_tensor, o_metadata : settings, out
    o_gamma : stream(GAMMA_WRITE), out
        Entries of the gamma tables.
    o_load : stream(32), out
        Words of a program image.
    o_load_reset : 1, out
        Forget a half-loaded image; one clock.
    i_status : CNN_STATUS, in
    o_count_address : 10, out
        ``4 * layer + way``: the count asked for; held until it was taken.
    i_count : 32, in
        The count at ``o_count_address``, two clocks later.
    """

    i: In(stream.Signature(struct(CONTROL_REQUEST)))
    o: Out(stream.Signature(struct(CONTROL_REPLY)))
    o_readout: Out(struct(READOUT_SETTINGS))
    o_isp: Out(struct(ISP_SETTINGS))
    o_tensor: Out(struct(TENSOR_SETTINGS))
    o_metadata: Out(struct(METADATA_SETTINGS))
    o_gamma: Out(stream.Signature(struct(GAMMA_WRITE)))
    o_load: Out(stream.Signature(32))
    o_load_reset: Out(1)
    i_status: In(struct(CNN_STATUS))
    o_count_address: Out(10)
    i_count: In(32)

    def __init__(self, layers: int, start: Start | None = None):
        if not 0 <= layers <= formats.COUNTED_LAYERS:
            raise ValueError(f"control: found {layers} layers with counts, allowed 0 to {formats.COUNTED_LAYERS}")
        super().__init__()
        self._layers = layers
        self._start = start

    def elaborate(self, platform: object) -> Module:
        """Take a request, let every block look at it, gather what they say."""
        m = Module()
        start = self._start
        m.submodules.readout = readout = RegisterBlock(formats.READOUT, start=start and start.readout.word())
        m.submodules.isp = isp = RegisterBlock(formats.ISP, start=start and start.isp.word())
        m.submodules.tensor = tensor = RegisterBlock(formats.TENSOR, start=start and start.tensor.word())
        m.submodules.metadata = metadata = RegisterBlock(formats.METADATA, start=start and start.metadata.word())
        m.submodules.status = status = RegisterBlock(formats.CNN, status=True)
        m.d.comb += [
            self.o_readout.eq(readout.o),
            self.o_isp.eq(isp.o),
            self.o_tensor.eq(tensor.o),
            self.o_metadata.eq(metadata.o),
            status.i.eq(self.i_status),
        ]

        request = Signal(struct(CONTROL_REQUEST))
        writes = Signal()
        blocks = (readout, isp, tensor, metadata, status)
        for block in blocks:
            m.d.comb += [
                block.i_address.eq(request.address),
                block.i_data.eq(request.data),
                block.i_write.eq(writes),
            ]

        entry = data.View(GAMMA_ADDRESS, request.address)
        m.d.comb += [
            self.o_gamma.payload.channel.eq(entry.channel),
            self.o_gamma.payload.index.eq(entry.index),
            self.o_gamma.payload.level.eq(request.data),
            self.o_load.payload.eq(request.data),
        ]
        tables = formats.GAMMA >> 14
        is_gamma = (entry.tables == tables) & (entry.channel != 3) & (entry.byte == 0)

        count = Signal(COUNT_ADDRESS)
        is_count = Signal()
        m.d.comb += [count.eq(request.address), self.o_count_address.eq(Cat(count.way, count.layer))]
        counts = formats.CNN_COUNTS >> 10
        m.d.sync += is_count.eq((count.counts == counts) & (count.layer < self._layers) & (count.byte == 0))

        # A block that does not know the address says 0, so the answers need no choosing.
        identity = Signal(32)
        m.d.sync += identity.eq(0)
        with m.If(request.address == formats.IDENTITY):
            m.d.sync += identity.eq(formats.IDENTITY_VALUE)
        reply = Signal(struct(CONTROL_REPLY))
        counted = Signal(32)
        m.d.sync += counted.eq(0)
        answers = identity | counted
        for block in blocks:
            answers |= block.o_data
        m.d.comb += self.o.payload.eq(reply)

        # Registers, set in the clock before: the ways to the takers are long.
        m.d.sync += [writes.eq(0), self.o_load_reset.eq(0)]
        for taker in (self.o_gamma, self.o_load):
            with m.If(taker.ready):
                m.d.sync += taker.valid.eq(0)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += request.eq(self.i.payload)
                with m.If(self.i.valid):
                    m.next = "DECODE"
            with m.State("DECODE"):
                m.d.sync += [
                    writes.eq(request.write),
                    self.o_gamma.valid.eq(request.write & is_gamma),
                    self.o_load.valid.eq(request.write & (request.address == formats.CNN_LOAD)),
                    self.o_load_reset.eq(request.write & (request.address == formats.CNN_RESET)),
                ]
                m.next = "ACT"
            with m.State("ACT"):
                m.next = "GATHER"
                with m.If(request.write):
                    m.next = "TAKE"
                    with m.If((self.o_gamma.valid & ~self.o_gamma.ready) | (self.o_load.valid & ~self.o_load.ready)):
                        m.next = "ACT"
                with m.Elif(is_count):
                    m.next = "TAKE_COUNT"
            with m.State("TAKE_COUNT"):
                m.d.sync += counted.eq(self.i_count)
                m.next = "GATHER"
            with m.State("GATHER"):
                m.d.sync += reply.data.eq(answers)
                m.next = "REPLY"
            with m.State("REPLY"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "TAKE"
        return m
