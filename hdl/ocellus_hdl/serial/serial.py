"""The two wires of a board's USB-UART: requests to control on one, answers and packets on the other."""

from amaranth.hdl import Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.configurations import Configuration
from ocellus.formats import CONTROL_REPLY, CONTROL_REQUEST, PACKET_WORD, SERIAL_BAUD

from ..layouts import struct
from ..link import ByteSerial
from .clocks_per_bit import clocks_per_bit
from .command_reader import CommandReader
from .deframer import Deframer
from .frame_store import FrameStore
from .framer import Framer
from .stuffer import Stuffer
from .uart_receiver import UartReceiver
from .uart_transmitter import UartTransmitter

PACKET_STORE_BYTES = 2048
"""One block RAM, and more than the longest record with its packet's header and trailer (1,104)."""


class Serial(wiring.Component):
    """docs/serial.md is its contract.

    A byte takes ten bits of the wire; nothing behind it is slower than that but control, which may stand an answer
    still. Packets that find their store full wait.

    Parameters
    ----------
    clock_hz : float
        Of ``sync``.
    configuration : Configuration
        The accelerator's, which a host may ask for.
    baud : float
        Bits a second; ``ValueError`` when no whole number of clocks, 8 and more, is within 1 % of it.
    buffer_bytes : int
        For requests that wait: a power of two, of 512 and more.

    Attributes
    ----------
    i_serial : 1, in
        The wire from the host, from any clock.
    o_serial : 1, out
        The wire to the host; a register.
    o_request : stream(CONTROL_REQUEST), out
    i_reply : stream(CONTROL_REPLY), in
    i_packets : stream(PACKET_WORD), in
        From the link.
    """

    i_serial: In(1, init=1)  # pyright: ignore[reportCallIssue]  # the stubs do not know init
    o_serial: Out(1, init=1)  # pyright: ignore[reportCallIssue]  # the stubs do not know init
    o_request: Out(stream.Signature(struct(CONTROL_REQUEST)))
    i_reply: In(stream.Signature(struct(CONTROL_REPLY)))
    i_packets: In(stream.Signature(struct(PACKET_WORD)))

    def __init__(
        self, clock_hz: float, configuration: Configuration, *, baud: float = SERIAL_BAUD, buffer_bytes: int = 4096
    ):
        super().__init__()
        self._clocks = clocks_per_bit(clock_hz, baud)
        self._configuration = configuration
        self._buffer_bytes = buffer_bytes

    def elaborate(self, platform: object) -> Module:
        """Two chains, which meet where requests are carried out."""
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self._clocks)
        m.submodules.deframer = deframer = Deframer()
        m.submodules.frame_store = frames = FrameStore(self._buffer_bytes)
        m.submodules.command_reader = reader = CommandReader(self._configuration, self._buffer_bytes)
        m.submodules.byte_serial = bytewise = ByteSerial()
        m.submodules.packet_store = store = fifo.SyncFIFOBuffered(width=8, depth=PACKET_STORE_BYTES)
        m.submodules.framer = framer = Framer()
        m.submodules.stuffer = stuffer = Stuffer()
        m.submodules.transmitter = transmitter = UartTransmitter(self._clocks)

        m.d.comb += [receiver.i.eq(self.i_serial), self.o_serial.eq(transmitter.o)]
        connect(m, receiver.o, deframer.i)
        connect(m, deframer.o, frames.i)
        connect(m, frames.o, reader.i)
        m.d.comb += [
            reader.i_drops.eq(frames.o_drops),
            reader.i_framing_error.eq(receiver.o.valid & receiver.o.payload.damaged),
        ]
        connect(m, reader.o_request, flipped(self.o_request))
        connect(m, flipped(self.i_reply), reader.i_reply)

        connect(m, flipped(self.i_packets), bytewise.i)
        # Known a clock ahead: one byte may come meanwhile, and one be on its way to the store's output.
        room = Signal()
        m.d.sync += room.eq(store.w_level < PACKET_STORE_BYTES - 2)
        m.d.comb += [
            store.w_data.eq(bytewise.o.payload),
            store.w_en.eq(bytewise.o.valid & room),
            bytewise.o.ready.eq(room),
            framer.i_packets.payload.eq(store.r_data),
            framer.i_packets.valid.eq(store.r_rdy),
            store.r_en.eq(framer.i_packets.ready),
        ]
        connect(m, reader.o, framer.i_reply)
        connect(m, framer.o, stuffer.i)
        connect(m, stuffer.o, transmitter.i)
        return m
