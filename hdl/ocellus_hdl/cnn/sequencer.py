"""Runs a network: waits for a tensor, takes one layer after the other, hands the result out."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .words import LAYER_WORD


class Sequencer(wiring.Component):
    """The order of things in an inference.

    Attributes
    ----------
    i_loaded : unsigned(1), in
        There is a network.
    i_load_waits : unsigned(1), in
        A program image waits: start no inference.
    o_idle : unsigned(1), out
        No inference runs.
    i_full, o_take, o_release : unsigned(1)
        The input tensor is complete; the inference with it begins; its memory may be written again.
    o_rewind, o_fetch, i_fetched, i_layer
        To and from the descriptors.
    o_start, i_walking : unsigned(1)
        To and from the walk.
    i_settled : unsigned(1), in
        Every result of the layer lies in the memory.
    o_deliver, i_delivered : unsigned(1)
        Hand the output tensor out; its last byte was taken.
    o_busy, o_layer : unsigned(1), unsigned(8), out
        A layer is running, and which.
    o_inference_clocks : unsigned(32), out
        From the clock in which the last input byte was taken to the last layer's end; steady while the output leaves.
    """

    i_loaded: In(1)
    i_load_waits: In(1)
    o_idle: Out(1)
    i_full: In(1)
    o_take: Out(1)
    o_release: Out(1)
    o_rewind: Out(1)
    o_fetch: Out(1)
    i_fetched: In(1)
    i_layer: In(LAYER_WORD)
    o_start: Out(1)
    i_walking: In(1)
    i_settled: In(1)
    o_deliver: Out(1)
    i_delivered: In(1)
    o_busy: Out(1)
    o_layer: Out(8)
    o_inference_clocks: Out(unsigned(32))

    def elaborate(self, platform: object) -> Module:
        """A state for each thing that is waited for."""
        m = Module()
        waited = Signal(32)  # clocks that the next tensor has been complete
        clocks = Signal(32)

        with m.If(self.i_full):
            m.d.sync += waited.eq(waited + 1)
        with m.Else():
            m.d.sync += waited.eq(0)
        m.d.sync += clocks.eq(clocks + 1)

        with m.FSM(name="sequence"):
            with m.State("AWAIT_TENSOR"):
                m.d.comb += [self.o_idle.eq(1), self.o_rewind.eq(1)]
                with m.If(self.i_loaded & self.i_full & ~self.i_load_waits):
                    m.d.comb += self.o_take.eq(1)
                    m.d.sync += [clocks.eq(waited + 2), self.o_layer.eq(0)]
                    m.next = "FETCH"

            with m.State("FETCH"):
                m.d.comb += [self.o_fetch.eq(1), self.o_busy.eq(1)]
                m.next = "AWAIT_DESCRIPTOR"

            with m.State("AWAIT_DESCRIPTOR"):
                m.d.comb += self.o_busy.eq(1)
                with m.If(self.i_fetched):
                    m.next = "PREPARE"

            with m.State("PREPARE"):  # the walk's constants follow the descriptor by a clock or two
                m.d.comb += self.o_busy.eq(1)
                m.next = "PLACE"

            with m.State("PLACE"):
                m.d.comb += self.o_busy.eq(1)
                m.next = "START"

            with m.State("START"):
                m.d.comb += [self.o_start.eq(1), self.o_busy.eq(1)]
                m.next = "RUN"

            with m.State("RUN"):
                m.d.comb += self.o_busy.eq(1)
                with m.If(~self.i_walking & self.i_settled):
                    m.d.comb += self.o_release.eq(self.i_layer.releases_input | self.i_layer.last)
                    with m.If(self.i_layer.last):
                        m.d.sync += self.o_inference_clocks.eq(clocks)
                        m.next = "DELIVER"
                    with m.Else():
                        m.d.sync += self.o_layer.eq(self.o_layer + 1)
                        m.next = "FETCH"

            with m.State("DELIVER"):
                m.d.comb += self.o_deliver.eq(1)
                m.next = "AWAIT_DELIVERY"

            with m.State("AWAIT_DELIVERY"), m.If(self.i_delivered):
                m.next = "AWAIT_TENSOR"
        return m
