"""The tensor stage: a window of the picture becomes the network's int8 input."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import RGB_PIXEL, TENSOR_BYTE, TENSOR_SETTINGS, TICKET
from ocellus.settings import FrameFormat

from ..layouts import struct
from .column_scaler import ColumnScaler
from .crop import Crop
from .frame_gate import FrameGate
from .quantiser import Quantiser
from .row_scaler import RowScaler


class Tensor(wiring.Component):
    """Crop, area-average scaling by any ratio, normalisation and quantisation; docs/tensor.md has the arithmetic.

    One pixel a clock in, one byte a clock out. Keeps up with a picture line every T clocks when
    ``crop_w + out_w - gcd(crop_w, out_w)`` and, scaling down, twice ``out_w * channels + 5`` stay within T; otherwise,
    and with stalls at ``o``, the picture waits.

    Parameters
    ----------
    frame : FrameFormat
        The picture has half its width and height.
    max_width : int
        Sizes the memories; ``out_w`` is at most this.

    Attributes
    ----------
    i : stream(RGB_PIXEL), in
    i_ticket : stream(TICKET), in
        One for each frame on ``i``.
    o : stream(TENSOR_BYTE), out
        Row, column, channel order.
    o_ticket : stream(TICKET), out
        The frame's, after its last byte was accepted.
    i_settings : TENSOR_SETTINGS, in
        Changed between frames alone.
    i_live, i_free : in
        A frame whose first pixel finds ``i_free`` low is dropped when ``i_live`` is set, else it waits.
    i_gone : in
        There is no network any more: a frame part of whose tensor was accepted before is dropped, and counted.
    """

    i: In(stream.Signature(struct(RGB_PIXEL)))
    i_ticket: In(stream.Signature(struct(TICKET)))
    o: Out(stream.Signature(struct(TENSOR_BYTE)))
    o_ticket: Out(stream.Signature(struct(TICKET)))
    i_settings: In(struct(TENSOR_SETTINGS))
    i_live: In(1)
    i_free: In(1)
    i_gone: In(1)

    def __init__(self, frame: FrameFormat, max_width: int = 512):
        super().__init__()
        self._frame = frame
        self._max_width = max_width

    def elaborate(self, platform: object) -> Module:
        """Chain the parts in the order the pixels flow."""
        m = Module()
        m.submodules.gate = gate = FrameGate()
        m.submodules.crop = crop = Crop(self._frame)
        m.submodules.row_scaler = row_scaler = RowScaler()
        m.submodules.column_scaler = column_scaler = ColumnScaler(self._frame, self._max_width)
        m.submodules.quantiser = quantiser = Quantiser(self._frame)

        connect(m, flipped(self.i), gate.i)
        connect(m, gate.o, crop.i)
        connect(m, crop.o, row_scaler.i)
        connect(m, row_scaler.o, column_scaler.i)
        connect(m, column_scaler.o, quantiser.i)
        connect(m, quantiser.o, flipped(self.o))
        connect(m, flipped(self.i_ticket), gate.i_ticket)
        connect(m, gate.o_ticket, flipped(self.o_ticket))
        m.d.comb += [
            gate.i_live.eq(self.i_live),
            gate.i_free.eq(self.i_free),
            gate.i_gone.eq(self.i_gone),
            gate.i_taken.eq(quantiser.o.valid & self.o.ready),
            gate.i_made.eq(gate.i_taken & quantiser.o.payload.last),
            *(part.i_settings.eq(self.i_settings) for part in (crop, row_scaler, column_scaler, quantiser)),
        ]
        return m
