"""The accelerator: a tensor in, a tensor out, by the network that was loaded."""

from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ocellus.configurations import Configuration
from ocellus.formats import LayerOp

from .activations import Activations
from .adder import Adder
from .array import Array
from .descriptors import Descriptors
from .drain import Drain
from .inlet import Inlet
from .loader import Loader, Section
from .outlet import Outlet
from .parameters import Parameters
from .pool import Divider
from .requantiser import IDENTITY, Requantiser
from .sequencer import Sequencer
from .walk import Walk
from .weights import Weights
from .words import STATUS, TENSOR, beat, entries, flow, step, tap
from .writer import Writer


class Cnn(wiring.Component):
    """Runs a program image made by the compiler, exact to TensorFlow Lite's reference kernels with double rounding.

    docs/cnn.md holds the arithmetic, the memories and the schedule.

    Parameters
    ----------
    configuration : Configuration
        ``lanes`` is a power of two and at least ``requantisers``, ``lanes * columns`` a multiple of 4,
        ``activation_bytes`` one of ``2 * lanes``; :class:`ValueError` else.

    Attributes
    ----------
    i, o : stream(TENSOR_BYTE)
        The input and the output tensor, one output for each input, in order.
    i_load : stream(unsigned(32)), in
        A program image, word by word; waits until no inference runs.
    i_load_reset : unsigned(1), in
        Forget a half-loaded or refused image.
    o_status : CNN_STATUS, out
    o_free : unsigned(1), out
        The input memory may be written.
    o_inference_clocks : unsigned(32), out
        From the acceptance of the last input byte to the last layer's end; steady while the output leaves.
    o_busy, o_layer : unsigned(1), unsigned(8), out
        A layer is running, and which.
    o_tap : flow(tap), out
        Every write of a result.
    """

    def __init__(self, configuration: Configuration):
        self._c = c = configuration
        exact_log2(c.lanes)
        for broken, rule in (
            (c.lanes < c.requantisers, "lanes: fewer than requantisers"),
            (c.macs % 4 != 0, "lanes * columns: no multiple of 4"),
            (c.activation_bytes % (2 * c.lanes) != 0, "activation_bytes: no multiple of 2 * lanes"),
        ):
            if broken:
                raise ValueError(f"configuration {c.name}: {rule}")
        super().__init__(
            {
                "i": In(stream.Signature(TENSOR)),
                "o": Out(stream.Signature(TENSOR)),
                "i_load": In(stream.Signature(32)),
                "i_load_reset": In(1),
                "o_status": Out(STATUS),
                "o_free": Out(1),
                "o_inference_clocks": Out(32),
                "o_busy": Out(1),
                "o_layer": Out(8),
                "o_tap": Out(flow(tap(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The parts, chained as the data flows."""
        m = Module()
        c = self._c
        m.submodules.loader = loader = Loader(c)
        m.submodules.descriptors = descriptors = Descriptors(c)
        m.submodules.sequencer = sequencer = Sequencer()
        m.submodules.inlet = inlet = Inlet()
        m.submodules.walk = walk = Walk(c)
        m.submodules.activations = activations = Activations(c)
        m.submodules.weights = weights = Weights(c)
        m.submodules.array = array = Array(c)
        m.submodules.drain = drain = Drain(c)
        m.submodules.parameters = parameters = Parameters(c)
        m.submodules.divider = divider = Divider(c)
        m.submodules.adder = adder = Adder(c)
        m.submodules.requantiser = requantiser = Requantiser(c)
        m.submodules.writer = writer = Writer(c)
        m.submodules.outlet = outlet = Outlet(c)
        header = loader.o_header
        layer = descriptors.o

        # Image to memories.
        wiring.connect(m, wiring.flipped(self.i_load), loader.i)
        m.d.comb += [loader.i_reset.eq(self.i_load_reset), loader.i_idle.eq(sequencer.o_idle)]
        for section, part in (
            (Section.LAYERS, descriptors),
            (Section.PARAMETERS, parameters),
            (Section.WEIGHTS, weights),
        ):
            word = loader.o.payload
            m.d.comb += [
                part.i_write.valid.eq(loader.o.valid & (word.section == section)),
                part.i_write.payload.address.eq(word.address),
                part.i_write.payload.part.eq(word.part),
                part.i_write.payload.data.eq(word.data),
            ]

        # Tensor to memory; results go first.
        wiring.connect(m, wiring.flipped(self.i), inlet.i)
        m.d.comb += [
            inlet.i_open.eq(self.o_status.loaded),
            inlet.i_forget.eq(loader.o_begins),
            inlet.i_address.eq(header.input_address),
            inlet.i_bytes.eq(header.input_bytes),
            inlet.i_grant.eq(~writer.o.valid),
            inlet.i_take.eq(sequencer.o_take),
            inlet.i_release.eq(sequencer.o_release),
        ]
        write = activations.i_write
        with m.If(writer.o.valid):
            m.d.comb += [write.valid.eq(1), write.payload.eq(writer.o.payload)]
        with m.Else():
            m.d.comb += [
                write.valid.eq(inlet.o.valid),
                write.payload.address.eq(inlet.o.payload.address),
                write.payload.mask.eq(1),
                write.payload.data[0].eq(inlet.o.payload.value),
            ]

        # The order of things.
        m.d.comb += [
            sequencer.i_loaded.eq(self.o_status.loaded),
            sequencer.i_load_waits.eq(self.i_load.valid),
            sequencer.i_full.eq(inlet.o_full),
            sequencer.i_fetched.eq(descriptors.o_fetched),
            sequencer.i_layer.eq(layer),
            sequencer.i_walking.eq(walk.o_walking),
            sequencer.i_settled.eq(writer.o_settled),
            sequencer.i_delivered.eq(outlet.o_done),
            descriptors.i_rewind.eq(sequencer.o_rewind),
            descriptors.i_fetch.eq(sequencer.o_fetch),
            walk.i_start.eq(sequencer.o_start),
            walk.i_layer.eq(layer),
            walk.i_input_waits.eq(inlet.o_waits),
            writer.i_start.eq(sequencer.o_start),
            writer.i_address.eq(layer.out_address),
            writer.i_elements.eq(layer.elements),
            outlet.i_start.eq(sequencer.o_deliver),
            outlet.i_address.eq(header.output_address),
            outlet.i_bytes.eq(header.output_bytes),
        ]

        # Memory to array; window and weights arrive together.
        m.d.comb += [
            activations.i_read.valid.eq(walk.o_read.valid | outlet.o_read.valid),
            activations.i_read.payload.eq(Mux(outlet.o_read.valid, outlet.o_read.payload, walk.o_read.payload)),
            activations.i_fill.eq(Mux(layer.op == LayerOp.AVERAGE_POOL, 0, layer.fill)),
        ]
        is_addition = Signal()
        m.d.comb += is_addition.eq(layer.op == LayerOp.ADD)
        steps = [walk.o_step.payload]
        valid = Signal(Activations.READ_LATENCY)
        for _ in range(Activations.READ_LATENCY):
            steps.append(Signal(step(c)))
        m.d.sync += valid.eq((valid << 1) | walk.o_step.valid)
        with m.If(walk.o_step.valid | valid.any()):
            m.d.sync += [after.eq(before) for before, after in pairwise(steps)]
        weight_addresses = [walk.o_weight]
        for _ in range(Activations.READ_LATENCY - 1):
            after = Signal(16)
            m.d.sync += after.eq(weight_addresses[-1])
            weight_addresses.append(after)
        reads_weights = (layer.op == LayerOp.CONV) | (layer.op == LayerOp.DEPTHWISE)
        m.d.comb += [
            weights.i_read.payload.eq(weight_addresses[-1]),
            weights.i_read.valid.eq(valid[-2] & reads_weights),
            array.i_op.eq(layer.op),
            array.i_step.valid.eq(valid[-1] & ~is_addition),
            array.i_step.payload.eq(steps[-1]),
            array.i_window.eq(activations.o),
            array.i_weights.eq(weights.o),
            adder.i_step.valid.eq(valid[-1] & is_addition),
            adder.i_step.payload.eq(steps[-1]),
            adder.i_window.eq(activations.o),
        ]
        for operand, zero_point, multiplier, shift in zip(
            (adder.i_operand[0], adder.i_operand[1]),
            (layer.zero_point_1, layer.zero_point_2),
            (layer.multiplier_1, layer.multiplier_2),
            (layer.shift_1, layer.shift_2),
            strict=True,
        ):
            m.d.comb += [
                operand.zero_point.eq(zero_point),
                operand.multiplier.eq(multiplier),
                operand.shift.eq(shift),
            ]

        # Accumulators to bytes.
        wiring.connect(m, array.o, drain.i)
        m.d.comb += [
            drain.i_op.eq(layer.op),
            drain.i_parameter_base.eq(layer.parameter_base),
            parameters.i_read.valid.eq(drain.o_parameter.valid),
            parameters.i_read.payload.eq(drain.o_parameter.payload),
            divider.i.valid.eq(drain.o.valid & (layer.op == LayerOp.AVERAGE_POOL)),
            divider.i.payload.eq(drain.o.payload),
            divider.i_taps.eq(drain.o_taps),
            requantiser.i_minimum.eq(layer.minimum),
            requantiser.i_maximum.eq(layer.maximum),
        ]
        values = Signal(beat(c))
        scales = Signal(entries(c))
        with m.Switch(layer.op):
            with m.Case(LayerOp.CONV, LayerOp.DEPTHWISE):
                m.d.comb += [requantiser.i.valid.eq(drain.o.valid), values.eq(drain.o.payload)]
                m.d.comb += [scales.eq(parameters.o), requantiser.i_zero_point.eq(layer.zero_point_out)]
            with m.Case(LayerOp.ADD):
                m.d.comb += [requantiser.i.valid.eq(adder.o.valid), values.eq(adder.o.payload)]
                m.d.comb += requantiser.i_zero_point.eq(layer.zero_point_out)
                for n in range(c.requantisers):
                    m.d.comb += [
                        scales[n].multiplier.eq(layer.multiplier_out),
                        scales[n].shift.eq(layer.shift_out),
                    ]
            with m.Case(LayerOp.AVERAGE_POOL):
                m.d.comb += [requantiser.i.valid.eq(divider.o.valid), values.eq(divider.o.payload)]
                m.d.comb += [scales[n].eq(IDENTITY) for n in range(c.requantisers)]
            with m.Case(LayerOp.MAX_POOL):
                m.d.comb += [requantiser.i.valid.eq(drain.o.valid), values.eq(drain.o.payload)]
                m.d.comb += [scales[n].eq(IDENTITY) for n in range(c.requantisers)]
        m.d.comb += [requantiser.i.payload.eq(values), requantiser.i_entries.eq(scales)]
        wiring.connect(m, requantiser.o, writer.i)

        # Memory to tensor.
        m.d.comb += outlet.i_window.eq(activations.o)
        wiring.connect(m, outlet.o, wiring.flipped(self.o))

        # What the outside sees.
        m.d.comb += [
            self.o_status.eq(loader.o_status),
            self.o_free.eq(inlet.o_free),
            self.o_inference_clocks.eq(sequencer.o_inference_clocks),
            self.o_busy.eq(sequencer.o_busy),
            self.o_layer.eq(sequencer.o_layer),
            self.o_tap.valid.eq(writer.o.valid),
            self.o_tap.payload.address.eq(writer.o.payload.address),
            self.o_tap.payload.mask.eq(writer.o.payload.mask),
            self.o_tap.payload.data.eq(writer.o.payload.data),
            self.o_tap.payload.layer.eq(sequencer.o_layer),
        ]
        return m
