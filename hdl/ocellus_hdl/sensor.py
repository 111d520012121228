"""Start here: the six stages of the sensor, chained in the order data flows, and control beside them."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.configurations import Configuration
from ocellus.formats import (
    CONTROL_REPLY,
    CONTROL_REQUEST,
    COUNTED_LAYERS,
    PACKET_WORD,
    RAW_BEAT,
    RAW_WORD,
    RGB_PIXEL,
    TENSOR_BYTE,
)
from ocellus.settings import FrameFormat
from ocellus.start import Start

from .cnn import NOTHING, Cnn, Contents
from .cnn.words import flow, tapped
from .control import Control
from .fork import Fork
from .isp import Isp
from .layouts import struct
from .link import Link
from .metadata import Metadata
from .readout import Readout
from .skid_buffer import SkidBuffer
from .tensor import Tensor

MAX_TENSOR_WIDTH = 512

BUSY = data.StructLayout(
    {"readout": 1, "isp": 1, "tensor": 1, "cnn": 1, "metadata": 1, "link": 1, "layer": 8},
)
"""Which stage has something of a frame in hand, and the accelerator's layer."""


class Sensor(wiring.Component):
    """Pixels in, metadata out; docs/sensor.md has the picture and says how frames, tickets and stalls flow.

        light -> readout -+-> isp -> tensor -> cnn -> metadata -> link -> o
                          +------------- pixels ----------------> link (privacy gate)

    Four pixels a clock in, eight bytes a clock out.

    Parameters
    ----------
    frame : FrameFormat
        Size and timing of the picture.
    configuration : Configuration
        Size of the accelerator.
    taps : bool
        Add the ports that let a simulation look at every stage (``o_tap_*``, ``o_busy``).
    start : Start, or None
        Network and settings from power-on: the sensor needs no write. :class:`~ocellus.errors.BadInput` when the image
        is damaged, for another accelerator or too large.

    Attributes
    ----------
    i_array : stream(RAW_WORD), in
        The pixel array.
    i_control : stream(CONTROL_REQUEST), in
    o_control : stream(CONTROL_REPLY), out
        Registers, and the network's program image.
    i_mode : 2, in
        :class:`~ocellus.formats.Mode`: what may leave.
    o : stream(PACKET_WORD), out
        Packets.
    o_tap_raw, o_tap_rgb, o_tap_tensor, o_tap_output, o_tap_record : {valid, payload}, out
        Each beat that readout, isp, tensor, cnn and metadata hand on. With ``taps`` alone.
    o_tap_layer : {valid, payload}, out
        Each write of a layer's result to the activation memory (``Cnn.o_tap``). With ``taps`` alone.
    o_busy : BUSY, out
        With ``taps`` alone.
    """

    resting = (
        "control", "cnn", "-cnn.accounts", "-cnn.inlet", "metadata.peak_finder", "metadata.top_list",
        "metadata.box_placer", "metadata.record_writer",
    )  # fmt: skip
    """Parts that mostly have nothing to do, and those in them (with a minus) that go on: a hint for simulators."""
    pausing = ("tensor.quantiser", "link.image_packer", "link.packet_framer")
    """Parts that have nothing to do in some modes, or on most lines."""

    i_array: stream.Interface
    i_control: stream.Interface
    o_control: stream.Interface
    i_mode: Signal
    o: stream.Interface
    o_tap_raw: Any
    o_tap_rgb: Any
    o_tap_tensor: Any
    o_tap_layer: Any
    o_tap_output: Any
    o_tap_record: Any
    o_busy: data.View

    def __init__(
        self, frame: FrameFormat, configuration: Configuration, taps: bool = False, start: Start | None = None
    ):
        self._frame = frame
        self._taps = taps
        self._configuration = configuration
        self._start = start
        self._contents = Contents.of_image(start.image, configuration) if start else NOTHING
        ports: dict[str, wiring.Member] = {
            "i_array": In(stream.Signature(struct(RAW_WORD))),
            "i_control": In(stream.Signature(struct(CONTROL_REQUEST))),
            "o_control": Out(stream.Signature(struct(CONTROL_REPLY))),
            "i_mode": In(2),
            "o": Out(stream.Signature(struct(PACKET_WORD))),
        }
        if taps:
            ports |= {
                "o_tap_raw": Out(flow(struct(RAW_BEAT))),
                "o_tap_rgb": Out(flow(struct(RGB_PIXEL))),
                "o_tap_tensor": Out(flow(struct(TENSOR_BYTE))),
                "o_tap_layer": Out(flow(tapped(configuration))),
                "o_tap_output": Out(flow(struct(TENSOR_BYTE))),
                "o_tap_record": Out(flow(struct(PACKET_WORD))),
                "o_busy": Out(BUSY),
            }
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """The path of the pixels, the path of the tickets, and the registers."""
        m = Module()
        start = self._start
        m.submodules.readout = readout = Readout(self._frame)
        m.submodules.fork = fork = Fork(struct(RAW_BEAT))
        # isp's stall is a clock's work, and so is the way from readout's memory to isp's.
        m.submodules.skid = skid = SkidBuffer(struct(RAW_BEAT))
        m.submodules.isp = isp = Isp(self._frame, start.isp.gamma if start else ())
        m.submodules.tensor = tensor = Tensor(self._frame, max_width=MAX_TENSOR_WIDTH)
        m.submodules.cnn = cnn = Cnn(self._configuration, self._contents)
        m.submodules.metadata = metadata = Metadata()
        m.submodules.link = link = Link(self._frame)
        m.submodules.control = control = Control(min(self._configuration.layers, COUNTED_LAYERS), start)

        connect(m, flipped(self.i_array), readout.i)
        connect(m, readout.o, fork.i)
        connect(m, fork.o_a, skid.i)
        connect(m, skid.o, isp.i)
        connect(m, isp.o, tensor.i)
        connect(m, tensor.o, cnn.i)
        connect(m, cnn.o, metadata.i)
        connect(m, metadata.o, link.i_record)
        connect(m, fork.o_b, link.i_image)
        connect(m, link.o, flipped(self.o))

        connect(m, readout.o_ticket, tensor.i_ticket)
        connect(m, tensor.o_ticket, metadata.i_ticket)
        m.d.comb += [
            tensor.i_live.eq(control.o_readout.live),
            tensor.i_free.eq(cnn.o_free),
            tensor.i_gone.eq(~cnn.o_status.loaded),
            metadata.i_network_id.eq(cnn.o_status.network_id),
            metadata.i_inference_clocks.eq(cnn.o_inference_clocks),
            metadata.i_spent.eq(cnn.o_spent),
            link.i_frame_counter.eq(readout.o_frame_counter),
            link.i_mode.eq(self.i_mode),
        ]

        connect(m, flipped(self.i_control), control.i)
        connect(m, control.o, flipped(self.o_control))
        connect(m, control.o_gamma, isp.i_gamma)
        connect(m, control.o_load, cnn.i_load)
        m.d.comb += [
            readout.i_settings.eq(control.o_readout),
            isp.i_settings.eq(control.o_isp),
            tensor.i_settings.eq(control.o_tensor),
            metadata.i_settings.eq(control.o_metadata),
            cnn.i_load_reset.eq(control.o_load_reset),
            control.i_status.eq(cnn.o_status),
            cnn.i_count_address.eq(control.o_count_address),
            control.i_count.eq(cnn.o_count),
        ]
        if self._taps:
            self._observe(m)
        return m

    def _observe(self, m: Module) -> None:
        """Taps on every stream between two stages, and who is busy with a frame."""
        stages = m.submodules
        for port, source in (
            (self.o_tap_raw, stages.readout.o),
            (self.o_tap_rgb, stages.isp.o),
            (self.o_tap_tensor, stages.tensor.o),
            (self.o_tap_output, stages.cnn.o),
            (self.o_tap_record, stages.metadata.o),
        ):
            m.d.comb += [port.valid.eq(source.valid & source.ready), port.payload.eq(source.payload)]
        connect(m, stages.cnn.o_tap, flipped(self.o_tap_layer))

        def taken(beats: stream.Interface) -> Value:
            return beats.valid & beats.ready

        def spans(begins: Value, ends: stream.Interface, last: str) -> Signal:
            """High after ``begins``, until the beat marked ``last`` is taken at ``ends``."""
            busy = Signal()
            with m.If(begins):
                m.d.sync += busy.eq(1)
            with m.If(taken(ends) & ends.payload[last]):
                m.d.sync += busy.eq(0)
            return busy

        readout, isp, tensor = stages.readout, stages.isp, stages.tensor
        metadata, link = stages.metadata, stages.link
        takes_pixels = spans(taken(tensor.i), tensor.i, "last_in_frame")
        gives_bytes = spans(taken(tensor.o), tensor.o, "last")
        m.d.comb += [
            # A frame's first beat counts when it is offered: isp may take it before the link does.
            self.o_busy.readout.eq(spans(readout.o.valid, readout.o, "last_in_frame")),
            self.o_busy.isp.eq(spans(taken(isp.i), isp.o, "last_in_frame")),
            self.o_busy.tensor.eq(takes_pixels | gives_bytes),
            self.o_busy.cnn.eq(stages.cnn.o_busy),
            self.o_busy.metadata.eq(spans(taken(metadata.i), metadata.o, "last")),
            self.o_busy.link.eq(spans(taken(link.o), link.o, "last")),
            self.o_busy.layer.eq(stages.cnn.o_layer),
        ]
