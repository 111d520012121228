"""The accelerator: a tensor in, a tensor out, by the network that was loaded."""

from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import CNN_SPENT, Epilogue

from ..layouts import struct
from .accounts import Accounts
from .cells import copies
from .contents import NOTHING, Contents
from .datapath import Datapath
from .descriptor import STATUS, TENSOR
from .inlet import Inlet
from .loader import Loader
from .outlet import Outlet
from .sequencer import Sequencer
from .walk import Walk
from .words import SECOND, flow, tapped

FORGETTING = ("sequencer", "walk", "datapath", "inlet", "outlet")
"""Parts with something of a network that is gone."""


class Cnn(wiring.Component):
    """Runs a program image made by the compiler, exact to the arithmetic that the image names.

    docs/cnn.md says what a program means and how it streams.

    Parameters
    ----------
    configuration : Configuration
    contents : Contents
        Of the memories from power-on: of an image, and its network is there until another is loaded.

    Attributes
    ----------
    i, o : stream(TENSOR_BYTE)
        The input and the output tensor, one output for each input, in order.
    i_load : stream(unsigned(32)), in
        A program image, word by word; waits until no inference runs, or nothing of one is under way while it
        waits for rows of its tensor.
    i_load_reset : unsigned(1), in
        Forget a half-loaded or refused image.
    o_status : CNN_STATUS, out
    o_free : unsigned(1), out
        A tensor may begin: a network is loaded, and the inference before is over.
    o_inference_clocks : unsigned(32), out
        From the acceptance of the last input byte to the last step's end; steady while the output leaves.
    i_count_address, o_count : unsigned(10), unsigned(32)
        A layer's counter, as :class:`~ocellus_hdl.cnn.counters.Counters` has them; while no inference is under way.
    o_spent : CNN_SPENT, out
        How the clocks of the inference were spent, from its first row on; steady while the output leaves.
    o_busy, o_layer : unsigned(1), unsigned(8), out
        A step is under way, and its layer.
    o_tap : flow(tapped), out
        Every beat of results.
    """

    def __init__(self, configuration: Configuration, contents: Contents = NOTHING):
        self._c = c = configuration
        self._contents = contents
        if c.inputs * c.outputs != c.word * c.windows:
            raise ValueError(f"configuration {c.name}: inputs * outputs is not word * windows")
        super().__init__(
            {
                "i": In(stream.Signature(TENSOR)),
                "o": Out(stream.Signature(TENSOR)),
                "i_load": In(stream.Signature(32)),
                "i_load_reset": In(1),
                "o_status": Out(STATUS),
                "o_free": Out(1),
                "o_inference_clocks": Out(32),
                "i_count_address": In(10),
                "o_count": Out(32),
                "o_spent": Out(struct(CNN_SPENT)),
                "o_busy": Out(1),
                "o_layer": Out(8),
                "o_tap": Out(flow(tapped(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The parts, chained as the data flows; what runs the network is reset when another is loaded."""
        m = Module()
        c, contents = self._c, self._contents
        m.submodules.loader = loader = Loader(c, contents.header)
        # A clock later, and for each part: a reset that everything hangs on is better not a function of an input.
        forget = dict(zip(FORGETTING, copies(m, platform, loader.o_begins, len(FORGETTING), "forgets"), strict=True))
        sequencer, walk, datapath = Sequencer(c, contents.program), Walk(c), Datapath(c, contents)
        inlet, outlet = Inlet(c), Outlet(c)
        m.submodules.accounts = accounts = Accounts(c)
        m.submodules.sequencer = ResetInserter(forget["sequencer"])(sequencer)
        # What is on its way through these drains while the image comes.
        m.submodules.walk = walk
        m.submodules.datapath = datapath
        m.d.comb += [walk.i_forget.eq(forget["walk"]), datapath.i_forget.eq(forget["datapath"])]
        m.submodules.inlet = ResetInserter(forget["inlet"])(inlet)
        m.submodules.outlet = ResetInserter(forget["outlet"])(outlet)
        header = loader.o_header

        # Image to memories. A network may come while none runs, or while one waits for a tensor's rows and for nothing
        # else, but not when the tensor has come whole.
        wiring.connect(m, wiring.flipped(self.i_load), loader.i)
        wiring.connect(m, loader.o_program, sequencer.i_write)
        wiring.connect(m, loader.o, datapath.i_load)
        m.d.comb += [
            self.o_status.eq(loader.o_status),
            loader.i_reset.eq(self.i_load_reset),
            loader.i_idle.eq((sequencer.o_rests | sequencer.o_waits) & ~inlet.o_full),
        ]

        # Tensor to memory.
        wiring.connect(m, wiring.flipped(self.i), inlet.i)
        wiring.connect(m, inlet.o, datapath.i_input)
        m.d.sync += inlet.i_open.eq(loader.o_status.loaded & ~self.i_load.valid)
        m.d.comb += [
            inlet.i_forget.eq(forget["inlet"]),
            inlet.i_header.eq(header),
            inlet.i_freed.eq(sequencer.o_freed),
            inlet.i_restart.eq(outlet.o_done),
            self.o_free.eq(inlet.o_free),
        ]

        # The order of steps.
        wiring.connect(m, sequencer.o_windows, datapath.i_windows)
        wiring.connect(m, walk.o, datapath.i)
        m.d.comb += [
            sequencer.i_header.eq(header),
            sequencer.i_begin.eq(inlet.o_begun),
            sequencer.i_rows.eq(inlet.o_rows),
            sequencer.i_takes.eq(walk.o_takes),
            sequencer.i_done.eq(datapath.o_done),
            sequencer.i_soon.eq(datapath.o_soon),
            walk.i_prepared.eq(sequencer.o_prepared),
            walk.i_next_layer.eq(sequencer.o_layer),
            walk.i_next_step.eq(sequencer.o_step),
            walk.i_go.eq(sequencer.o_go),
            walk.i_group.eq(datapath.o_group),
            walk.i_combining.eq(datapath.o_combining),
            datapath.i_arithmetic.eq(header.arithmetic),
        ]
        # The terms of the last layer that combines, three clocks later: long before its first sums ask for them.
        terms, second, walked, combines = Signal(SECOND), Signal(SECOND), Signal(), Signal()
        m.d.sync += walked.eq(walk.o_walks)
        m.d.sync += combines.eq(walked & (walk.o_layer.epilogue != Epilogue.PLAIN))
        m.d.sync += [terms[name].eq(walk.o_layer[name]) for name in SECOND.members]
        with m.If(combines):
            m.d.sync += second.eq(terms)
        m.d.comb += datapath.i_second.eq(second)

        # Memory to tensor.
        wiring.connect(m, outlet.o_look, datapath.i_look)
        wiring.connect(m, datapath.o_look, outlet.i_seen)
        wiring.connect(m, outlet.o, wiring.flipped(self.o))
        m.d.comb += [
            outlet.i_start.eq(sequencer.o_deliver),
            outlet.i_header.eq(header),
            sequencer.i_delivered.eq(outlet.o_done),
        ]

        wiring.connect(m, datapath.o_tap, wiring.flipped(self.o_tap))
        m.d.comb += [self.o_busy.eq(walk.o_walks | walk.o_full), self.o_layer.eq(walk.o_number)]
        m.d.comb += [
            accounts.i_begins.eq(sequencer.o_rests & inlet.o_begun),
            accounts.i_ends.eq(sequencer.o_deliver),
            accounts.i_full.eq(inlet.o_full),
            accounts.i_layer.eq(walk.o_number),
            accounts.i_spent.eq(Cat(walk.o_busy, walk.o_weights, walk.o_requantiser, walk.o_input)),
            accounts.i_address.eq(self.i_count_address),
            self.o_count.eq(accounts.o),
            self.o_spent.eq(accounts.o_spent),
            self.o_inference_clocks.eq(accounts.o_inference_clocks),
        ]
        return m
