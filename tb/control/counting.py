"""The registers beside an accelerator that has counted: the top of their test."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

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
from ocellus_hdl.control import Control
from ocellus_hdl.layouts import struct

LAYERS = 37
COUNTS = tuple(0x9E3779B1 * (n + 1) & 0xFFFF_FFFF for n in range(1 << 10))
"""What stands at each address of the counts, also at those that no layer has: all different, none 0."""


class Counting(wiring.Component):
    """:class:`Control` of :data:`LAYERS` layers, and a memory of :data:`COUNTS` that answers two clocks later."""

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

    def elaborate(self, platform: object) -> Module:
        """The registers, the memory, and a register behind it."""
        m = Module()
        m.submodules.control = control = Control(LAYERS)
        m.submodules.counts = counts = Memory(shape=32, depth=len(COUNTS), init=COUNTS)
        reads = counts.read_port()
        m.d.comb += reads.addr.eq(control.o_count_address)
        m.d.sync += control.i_count.eq(reads.data)

        connect(m, flipped(self.i), control.i)
        connect(m, control.o, flipped(self.o))
        connect(m, control.o_gamma, flipped(self.o_gamma))
        connect(m, control.o_load, flipped(self.o_load))
        m.d.comb += [
            self.o_readout.eq(control.o_readout),
            self.o_isp.eq(control.o_isp),
            self.o_tensor.eq(control.o_tensor),
            self.o_metadata.eq(control.o_metadata),
            self.o_load_reset.eq(control.o_load_reset),
            control.i_status.eq(self.i_status),
        ]
        return m
