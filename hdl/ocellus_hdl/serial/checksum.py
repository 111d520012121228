"""CRC-32 of bytes that come slowly: a bit a clock, which takes a third of the gates of a byte a clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import (
    crc,  # pyright: ignore[reportAttributeAccessIssue]  # the stubs do not have it
    wiring,
)
from amaranth.lib.wiring import In, Out


class Checksum(wiring.Component):
    """CRC-32/ISO-HDLC; eight clocks a byte, and one more until the sum is there.

    Attributes
    ----------
    i_start : 1, in
        Forget what came; not while a byte is under way.
    i_byte, i_valid : 8, 1, in
        A byte, when none is under way.
    o_busy : 1, out
        One is.
    o_crc : 32, out
        Of all bytes since the start.
    o_match : 1, out
        The last four were the CRC of those before.
    """

    i_start: In(1)
    i_byte: In(8)
    i_valid: In(1)
    o_busy: Out(1)
    o_crc: Out(32)
    o_match: Out(1)

    def elaborate(self, platform: object) -> Module:
        """Shifts the byte, low bit first: the order in which this CRC takes them."""
        m = Module()
        m.submodules.sum = bitwise = crc.catalog.CRC32_ISO_HDLC(data_width=1).create()
        bits = Signal(9)  # with a mark behind the last; none is left when nothing is under way
        m.d.comb += [
            self.o_busy.eq(bits[1:] != 0),
            bitwise.data.eq(bits[0]),
            bitwise.valid.eq(self.o_busy),
            bitwise.start.eq(self.i_start),
            self.o_crc.eq(bitwise.crc),
            self.o_match.eq(bitwise.match_detected),
        ]
        m.d.sync += bits.eq(bits >> 1)
        with m.If(self.i_valid):
            m.d.sync += bits.eq(self.i_byte | 1 << 8)
        return m
