"""Keeps a window of the picture and swallows the rest."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import RGB_PIXEL, TENSOR_SETTINGS
from ocellus.settings import FrameFormat

from ..layouts import struct
from ..skid_buffer import SkidBuffer


class Crop(wiring.Component):
    """The pixels of a window, with the marks of its own lines and of its own end.

    One pixel a clock, one clock of latency. ``i.ready`` is a register. Pixels outside are swallowed at full rate
    once ``o`` is free.

    Parameters
    ----------
    frame : FrameFormat
        The picture has half its width and height.

    Attributes
    ----------
    i, o : stream(RGB_PIXEL)
    i_settings : TENSOR_SETTINGS, in
        ``crop_x``, ``crop_y``, ``crop_w``, ``crop_h``: a window inside the picture.
    """

    i: In(stream.Signature(struct(RGB_PIXEL)))
    o: Out(stream.Signature(struct(RGB_PIXEL)))
    i_settings: In(struct(TENSOR_SETTINGS))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """Count columns and rows, compare with the window's edges."""
        m = Module()
        settings = self.i_settings
        # The sums are registers because settings stand still while a frame passes.
        last_x = Signal(len(settings.crop_x) + 1)
        last_y = Signal(len(settings.crop_y) + 1)
        m.d.sync += [
            last_x.eq(settings.crop_x + settings.crop_w - 1),
            last_y.eq(settings.crop_y + settings.crop_h - 1),
        ]

        x = Signal(range(self._frame.width // 2))
        y = Signal(range(self._frame.height // 2))
        inside = (x >= settings.crop_x) & (x <= last_x) & (y >= settings.crop_y) & (y <= last_y)
        # The row scaler decides late whether it is done with a pixel.
        m.submodules.skid_buffer = skid_buffer = SkidBuffer(struct(RGB_PIXEL))
        m.d.comb += [
            self.i.ready.eq(skid_buffer.i.ready),
            skid_buffer.i.valid.eq(self.i.valid & inside),
            skid_buffer.i.payload.eq(self.i.payload),
            skid_buffer.i.payload.last_in_line.eq(x == last_x),
            skid_buffer.i.payload.last_in_frame.eq((x == last_x) & (y == last_y)),
        ]
        connect(m, skid_buffer.o, flipped(self.o))
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += x.eq(x + 1)
            with m.If(self.i.payload.last_in_line):
                m.d.sync += [x.eq(0), y.eq(y + 1)]
            with m.If(self.i.payload.last_in_frame):
                m.d.sync += y.eq(0)
        return m
