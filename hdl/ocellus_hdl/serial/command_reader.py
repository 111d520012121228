"""Carries out the host's requests, one after the other, and answers each."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.formats import (
    CONTROL_REPLY,
    CONTROL_REQUEST,
    SERIAL,
    SERIAL_REPLY,
    SERIAL_REPLY_BIT,
    SERIAL_REQUEST,
    SERIAL_STATUS,
    SERIAL_VERSION,
    SerialKind,
)

from ..control.register_block import RegisterBlock
from ..layouts import struct
from .frame_store import CONTENT

PAGE = SERIAL.base >> 8
HEAD_BYTES = (SERIAL_REPLY.bits - SERIAL_REPLY.field("data").bits) // 8


class CommandReader(wiring.Component):
    """docs/serial.md is its contract: reads always, writes only in their order; a word waits until control takes it.

    Eight clocks a word and more. The next request is looked at when the answer before it is taken.

    Parameters
    ----------
    configuration : Configuration
        Of the accelerator: what the page says of its array.
    buffer_bytes : int
        What it says of the store.

    Attributes
    ----------
    i : stream(CONTENT), in
        Requests, at least four bytes each.
    i_drops, i_framing_error : 1, in
        One clock each: what is counted.
    o_request : stream(CONTROL_REQUEST), out
        The payload is a register.
    i_reply : stream(CONTROL_REPLY), in
    o : stream(CONTENT), out
        The bytes of a SERIAL_REPLY.
    """

    i: In(stream.Signature(CONTENT))
    i_drops: In(1)
    i_framing_error: In(1)
    o_request: Out(stream.Signature(struct(CONTROL_REQUEST)))
    i_reply: In(stream.Signature(struct(CONTROL_REPLY)))
    o: Out(stream.Signature(CONTENT))

    def __init__(self, configuration: Configuration, buffer_bytes: int):
        super().__init__()
        self._configuration = configuration
        self._buffer_bytes = buffer_bytes

    def elaborate(self, platform: object) -> Module:
        """Four bytes of request, then words, until the last byte has gone by."""
        m = Module()
        page = self._page(m)
        header = Signal(struct(SERIAL_REQUEST))
        word = Signal(32)  # to be written, or that was read
        write = Signal()
        next_sequence = Signal(8)
        m.d.comb += [
            self.o_request.payload.address.eq(header.address),
            self.o_request.payload.data.eq(word),
            self.o_request.payload.write.eq(write),
            # Of the page it is asked on its own alone.
            page.i_address.eq(Cat(header.address[:8], Const(PAGE, 8))),
        ]
        byte, last = self.i.payload.byte, self.i.payload.last
        at = Signal(2)
        over = Signal()  # the frame's last byte was taken
        is_read, is_write, is_feed, in_turn, is_own = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            is_read.eq(header.kind == SerialKind.READ),
            is_write.eq(header.kind == SerialKind.WRITE),
            is_feed.eq(header.kind == SerialKind.FEED),
            in_turn.eq(header.sequence == next_sequence),
            is_own.eq(header.address[8:] == PAGE),
        ]

        def take(register: Value) -> None:
            """The next byte, pushed in from the top."""
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [register.eq(Cat(register[8:], byte)), at.eq(at + 1), over.eq(last)]

        with m.FSM():
            with m.State("TAKE_HEADER"):
                take(header.as_value())
                with m.If(self.i.valid & (at == 3)):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.next = "CHOOSE"
            with m.State("CHOOSE"):
                m.d.sync += write.eq(~is_read)
                with m.If(is_read):
                    m.next = "ASK"
                with m.Elif((is_write | is_feed) & in_turn):
                    m.d.sync += next_sequence.eq(next_sequence + 1)
                    m.next = "TAKE_WORD"
                with m.Else():
                    m.next = "PASS"

            with m.State("TAKE_WORD"):
                with m.If(over):
                    m.next = "REPLY"
                with m.Else():
                    take(word)
                    with m.If(self.i.valid & (at == 3)):
                        m.next = "WRITE"
            with m.State("WRITE"):
                m.d.comb += self.o_request.valid.eq(~is_own)
                with m.If(is_own | self.o_request.ready):
                    m.d.sync += header.address.eq(header.address + Cat(0, 0, is_write))
                    m.next = "TAKE_WORD"

            with m.State("ASK"):
                m.d.comb += self.o_request.valid.eq(~is_own)
                with m.If(is_own | self.o_request.ready):
                    m.next = "AWAIT_REPLY"
            with m.State("AWAIT_REPLY"):
                m.d.comb += self.i_reply.ready.eq(~is_own)
                m.d.sync += word.eq(self.i_reply.payload.data)
                with m.If(is_own):
                    m.d.sync += word.eq(page.o_data)
                with m.If(is_own | self.i_reply.valid):
                    m.next = "PASS"

            with m.State("PASS"):
                with m.If(over):
                    m.next = "REPLY"
                with m.Else():
                    m.d.comb += self.i.ready.eq(1)
                    m.d.sync += over.eq(self.i.valid & last)
            with m.State("REPLY"):
                m.d.sync += at.eq(0)
                m.next = "TAKE_HEADER"
                with m.If(is_read | is_write | is_feed):
                    m.next = "SEND_HEAD"
            with m.State("SEND_HEAD"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.byte.eq(next_sequence)]
                with m.If(at == 0):
                    m.d.comb += self.o.payload.byte.eq(header.kind | SERIAL_REPLY_BIT)
                with m.If(at == 1):
                    m.d.comb += self.o.payload.byte.eq(header.sequence)
                with m.If(self.o.ready):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == HEAD_BYTES - 1):
                        m.d.sync += at.eq(0)
                        m.next = "SEND_DATA"
            with m.State("SEND_DATA"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.byte.eq(Mux(is_read, word[:8], 0)),  # not what a write left
                    self.o.payload.last.eq(at == 3),
                ]
                with m.If(self.o.ready):
                    m.d.sync += [word.eq(Cat(word[8:], byte)), at.eq(at + 1)]
                    with m.If(at == 3):
                        m.next = "TAKE_HEADER"
        return m

    def _page(self, m: Module) -> RegisterBlock:
        """The registers that nobody behind this one has."""
        m.submodules.page = page = RegisterBlock(SERIAL, status=True)
        c = self._configuration
        dropped = Signal(SERIAL_STATUS.field("frames_dropped").bits)
        errors = Signal(SERIAL_STATUS.field("framing_errors").bits)
        m.d.sync += [dropped.eq(dropped + self.i_drops), errors.eq(errors + self.i_framing_error)]
        m.d.comb += [
            page.i.version.eq(SERIAL_VERSION),
            page.i.buffer_bytes.eq(self._buffer_bytes),
            page.i.word.eq(c.word),
            page.i.windows.eq(c.windows),
            page.i.inputs.eq(c.inputs),
            page.i.outputs.eq(c.outputs),
            page.i.frames_dropped.eq(dropped),
            page.i.framing_errors.eq(errors),
        ]
        return page
