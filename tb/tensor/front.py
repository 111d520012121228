"""Readout, isp and tensor in a row, as in the sensor: the top of the test that live readout loses nothing."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import ISP_SETTINGS, RAW_BEAT, RAW_WORD, READOUT_SETTINGS, TENSOR_BYTE, TENSOR_SETTINGS, TICKET
from ocellus.settings import FrameFormat
from ocellus_hdl.isp import Isp
from ocellus_hdl.isp.words import GAMMA_WRITE
from ocellus_hdl.layouts import struct
from ocellus_hdl.readout import Readout
from ocellus_hdl.skid_buffer import SkidBuffer
from ocellus_hdl.tensor import Tensor


class Front(wiring.Component):
    """From the pixel array to the tensor, with an accelerator that is always free."""

    i: In(stream.Signature(struct(RAW_WORD)))
    i_gamma: In(stream.Signature(GAMMA_WRITE))
    i_readout: In(struct(READOUT_SETTINGS))
    i_isp: In(struct(ISP_SETTINGS))
    i_tensor: In(struct(TENSOR_SETTINGS))
    o: Out(stream.Signature(struct(TENSOR_BYTE)))
    o_ticket: Out(stream.Signature(struct(TICKET)))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """Chain the stages."""
        m = Module()
        m.submodules.readout = readout = Readout(self._frame)
        m.submodules.skid = skid = SkidBuffer(struct(RAW_BEAT))
        m.submodules.isp = isp = Isp(self._frame)
        m.submodules.tensor = tensor = Tensor(self._frame)
        connect(m, flipped(self.i), readout.i)
        connect(m, readout.o, skid.i)
        connect(m, skid.o, isp.i)
        connect(m, isp.o, tensor.i)
        connect(m, readout.o_ticket, tensor.i_ticket)
        connect(m, tensor.o, flipped(self.o))
        connect(m, tensor.o_ticket, flipped(self.o_ticket))
        connect(m, flipped(self.i_gamma), isp.i_gamma)
        m.d.comb += [
            readout.i_settings.eq(self.i_readout),
            isp.i_settings.eq(self.i_isp),
            tensor.i_settings.eq(self.i_tensor),
            tensor.i_live.eq(self.i_readout.live),
            tensor.i_free.eq(1),
        ]
        return m
