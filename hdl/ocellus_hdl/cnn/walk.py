"""Turns the steps of a program into commands for the datapath: one clock, one command."""

from collections.abc import Callable

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import Epilogue, LayerOp

from .addressing import NEEDED, SHARE, Addressing, draft
from .cells import copies
from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD
from .elastic import Elastic
from .point import PointWalk
from .pump import Pump
from .window import WindowWalk
from .words import SETS, command, flow

DECIDING = ("op", "take", "weighs", "last", "fetch")
"""Of a command: what says for what it waits."""
SHARED = 6
"""Fields of a layer that share the register that loads them."""
SETTLED = 13
"""Clocks of the counters, in which no other layer may begin; between first commands lie two registers more."""


class Walk(wiring.Component):
    """One command a clock; a step follows the one before without a free clock when it is ready in time.

    A step begins when it is allowed to (``i_go``), when the pump cuts its tiles (POINT), and when no group with an
    epilogue is under way, unless it belongs to the same layer. Its commands are made freely while there is room for
    them; the eldest waits for its pace, its tile, its weights and its parameters, all of which registers tell.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_prepared : unsigned(1), in
        ``i_next_layer`` and ``i_next_step`` hold the next step, until ``o_takes``; ``i_next_step`` does a clock before.
    i_next_layer, i_next_step : LAYER, STEP, in
    i_go : unsigned(1), in
        The step may begin in the next clock; it may from then on.
    o_takes : unsigned(1), out
        It began with this clock: the next may be prepared.
    i_group : unsigned(1), in
        The sets of weights of one more group of windows are in the store.
    i_combining : unsigned(1), in
        A group with an epilogue is under way.
    i_forget : unsigned(1), in
        The step that waits to begin, its tiles and weights are of a network that is gone; none is under way.
    o : flow(command), out
    o_layer : LAYER, out
        Of the step whose commands are made, a clock later than ``o_walks``.
    o_number : unsigned(8), out
        Layer of the command that waits to leave; else of the step under way, or of the one that waits to begin.
    o_walks, o_full : unsigned(1), out
        Commands of a step are made; one waits to leave.
    o_busy, o_weights, o_requantiser, o_input : unsigned(1), out
        How this clock was spent: a command left; one waits for weights; for the requantiser; none is there to leave,
        or its tile is not cut.
    """

    LATENCY = 1 + Addressing.LATENCY
    """Clocks from a command's leaving to ``o``."""

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_prepared": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_next_step": In(STEP_WORD),
                "i_go": In(1),
                "o_takes": Out(1),
                "i_group": In(1),
                "i_combining": In(1),
                "i_forget": In(1),
                "o": Out(flow(command(c))),
                "o_layer": Out(LAYER_WORD),
                "o_number": Out(8),
                "o_walks": Out(1),
                "o_full": Out(1),
                "o_busy": Out(1),
                "o_weights": Out(1),
                "o_requantiser": Out(1),
                "o_input": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Two walks that take turns, a buffer, and three stages that turn places into lines and banks."""
        m = Module()
        c = self._c
        pump = Pump(c)
        m.submodules.pump = ResetInserter(self.i_forget)(pump)
        m.submodules.point = point = PointWalk(c)
        m.submodules.window = window = WindowWalk(c)
        m.submodules.elastic = elastic = Elastic(draft(c), 2 + PIXELS // SHARE)
        enters, enters_layer, *enters_shares = elastic.o_enters
        m.submodules.addressing = addressing = Addressing(c)

        # While no step is under way, and in the last clock of one, these follow what comes next.
        # No walk reads ``later``: far away, it is a clock behind. It is there when the step's first command leaves.
        layer, step = Signal(LAYER_WORD), Signal(STEP_WORD)
        later = Signal(LAYER_WORD)
        number, walks, pumped = Signal(8), Signal(), Signal()
        is_point, point_runs, window_runs = Signal(), Signal(), Signal()  # of the layer; while it walks
        next_is_point = self.i_next_layer.op == LayerOp.POINT
        elder, leaves = elastic.o.payload, Signal()  # the command that waits to leave
        # What it waits for has registers of its own: the others of a command lie as far apart as what they lead to.
        # They hold it inverted, lest synthesis take them for the others.
        layout = data.StructLayout({name: draft(c)[name].shape for name in DECIDING})
        asks, asks_not = Signal(layout), Signal(layout.size)
        entering, stands = (Cat(e[name] for name in DECIDING) for e in (elastic.o_entering, elder))
        m.d.sync += asks_not.eq(~Mux(enters, entering, stands))
        m.d.comb += asks.eq(~asks_not)
        held_combines = (elastic.o.valid & elder.combines) | Cat(
            waits & waiting.combines for waits, waiting in zip(elastic.o_waits, elastic.o_waiting, strict=True)
        ).any()

        # The order of steps. What a group with an epilogue does begins to show in ``i_combining`` when its command has
        # passed the stages and the datapath has counted it. ``ready`` is a register, since it is known late in a clock
        # that a step ends. ``layer`` and ``step`` are needed until the step's first command has left.
        finishes, ready, takes, same_layer = Signal(), Signal(), Signal(), Signal()
        begins, settles, until_settled = Signal(), Signal(), Signal(range(SETTLED + 1))
        passing_by = Signal(self.LATENCY)
        has_epilogue = layer.epilogue != Epilogue.PLAIN
        combines = self.i_combining | passing_by.any() | held_combines
        pumps = self.i_prepared & next_is_point & ~pumped & pump.o_rests
        first_leaves = leaves & elder.begins
        waits, loads = Signal(), Signal()  # for the first command to leave; the layer that comes
        m.d.sync += [
            same_layer.eq(number == self.i_next_step.layer),
            passing_by.eq((passing_by << 1) | (walks & has_epilogue) | held_combines),
            ready.eq(
                self.i_prepared & self.i_go & (pumped | pumps | ~next_is_point)
                & (same_layer | ~(combines | settles)) & ~waits & ~takes & ~self.o_takes
            ),
            self.o_takes.eq(takes),
            until_settled.eq(until_settled - (until_settled != 0)),
            settles.eq(waits | (until_settled > 1)),
        ]  # fmt: skip
        m.d.comb += [
            finishes.eq((point.i_move & point.o_finishes) | (window.i_move & window.o_finishes)),
            takes.eq(ready & (~walks | finishes)),
            pump.i_layer.eq(self.i_next_layer),
            pump.i_step.eq(self.i_next_step),
            pump.i_start.eq(pumps),
            pump.i_take.eq(leaves & asks.take),
            point.i_layer.eq(layer),
            point.i_rests.eq(~point_runs),
            point.i_next_layer.eq(self.i_next_layer),
            point.i_next_tiles.eq(self.i_next_step.tiles),
            window.i_layer.eq(layer),
            window.i_step.eq(step),
            window.i_rests.eq(~window_runs),
            window.i_next_layer.eq(self.i_next_layer),
            window.i_next_step.eq(self.i_next_step),
            self.o_layer.eq(later),
            self.o_walks.eq(walks),
            self.o_full.eq(elastic.o.valid),
        ]  # fmt: skip
        # Whether a walk moves is a register, since all of it hangs on that.
        for walk, runs, follows in ((point, point_runs, next_is_point), (window, window_runs, ~next_is_point)):
            will_run, moves = Signal(name="will_run"), Signal(name="moves")
            m.d.comb += [will_run.eq(Mux(~walks | finishes, ready & follows, runs)), walk.i_move.eq(moves)]
            m.d.sync += [runs.eq(will_run), moves.eq(will_run & elastic.o_room)]
        with m.If(pump.i_start):
            m.d.sync += pumped.eq(1)
        with m.If(elastic.i.ready & walks):
            m.d.sync += begins.eq(0)
        with m.If(first_leaves):
            m.d.sync += [waits.eq(0), until_settled.eq(SETTLED)]
        with m.If(~walks | finishes):
            m.d.sync += walks.eq(ready)
            with m.If(~waits):
                m.d.comb += loads.eq(1)
                m.d.sync += [layer.eq(self.i_next_layer), step.eq(self.i_next_step), is_point.eq(next_is_point)]
            with m.If(ready):
                m.d.sync += [number.eq(self.i_next_step.layer), begins.eq(1), waits.eq(1)]
        names = [*LAYER_WORD.members]
        loads_later = copies(m, platform, loads, -(-len(names) // SHARED), "loads")
        for n, name in enumerate(names):
            with m.If(loads_later[n // SHARED]):
                m.d.sync += later[name].eq(self.i_next_layer[name])
        with m.If(self.o_takes):
            m.d.sync += pumped.eq(0)

        self._make(m, elastic, point, window, layer, step.in_wrap, number, begins, walks, is_point)

        # Whose command waits: what it needs of its layer, too.
        needed = Signal(NEEDED)
        with m.If(enters_layer & elastic.o_entering.begins):
            m.d.sync += [needed[name].eq(layer[name]) for name in NEEDED.members]

        # How often groups may end, and parameters be fetched:
        elder_is_point = asks.op == LayerOp.POINT
        words = Mux(elder_is_point, -(-c.outputs // c.parameter_lanes), -(-c.word // c.parameter_lanes))
        soon_paced, at_once_paced = self._spaced(m, "paced", leaves & asks.last, needed.pace)
        soon_fetchable, at_once_fetchable = self._spaced(m, "fetchable", leaves & asks.fetch, words)
        # Groups whose weights are in the store:
        groups, enough = Signal(range(SETS + 2)), Signal()
        soon_enough, still_enough = enough | self.i_group, (groups > 1) | (enough & self.i_group)
        m.d.sync += [
            groups.eq(groups + self.i_group - (leaves & asks.weighs)),
            enough.eq(Mux(leaves & asks.weighs, still_enough, soon_enough)),
        ]

        # Whether the eldest leaves is a register: it is decided a clock before, for the one that then will be it. That
        # hangs on whether the one before it leaves.
        full = elastic.o.valid
        following, follows = elastic.o_entering, elastic.o_entering_valid

        def may_leave(e: data.View, paced: Value, fetchable: Value, enough: Value, cut: Value) -> Value:
            return (~e.last | paced) & (~e.fetch | fetchable) & (~e.weighs | enough) & ((e.op != LayerOp.POINT) | cut)

        soon = (soon_paced, soon_fetchable, soon_enough, pump.o_more | pump.o_valid)
        if_left = may_leave(
            following,
            Mux(asks.last, at_once_paced, soon_paced),
            Mux(asks.fetch, at_once_fetchable, soon_fetchable),
            Mux(asks.weighs, still_enough, soon_enough),
            pump.o_more | (pump.o_valid & ~asks.take),
        )
        if_stayed = Mux(full, may_leave(asks, *soon), follows & may_leave(following, *soon))
        will_leave = Mux(leaves, follows & if_left, if_stayed)
        m.d.sync += leaves.eq(will_leave)

        with m.If(self.i_forget):
            m.d.sync += [pumped.eq(0), ready.eq(0), groups.eq(0), enough.eq(0), number.eq(0)]

        stays = walks | ~self.i_prepared | settles
        starves, lacks_tile = asks.weighs & ~enough, elder_is_point & ~pump.o_valid
        m.d.comb += [
            elastic.o.ready.eq(leaves),
            elastic.i_leaves.eq(will_leave),
            self.o_busy.eq(leaves),
            self.o_weights.eq(full & starves),
            self.o_requantiser.eq(full & ~starves & ~lacks_tile & ~leaves),
            self.o_input.eq(~full | lacks_tile),
            self.o_number.eq(Mux(full, elder.layer, Mux(stays, number, self.i_next_step.layer))),
        ]

        def eldest(of: Callable[[data.View], Value], name: str) -> list[Value]:
            coming, stays = of(elastic.o_entering), of(elder)
            return [
                copies(m, platform, Mux(e, coming, stays), 1, f"{name}_{n}")[0] for n, e in enumerate(enters_shares)
            ]

        points = eldest(lambda e: e.op == LayerOp.POINT, "is_point")
        banks, out_banks = eldest(lambda e: e.place.bank, "bank"), eldest(lambda e: e.out.bank, "out_bank")
        # The step's first command takes its layer along.
        m.d.comb += [
            addressing.i.valid.eq(leaves),
            addressing.i.payload.eq(elder),
            *(addressing.i_point[n].eq(point) for n, point in enumerate(points)),
            *(addressing.i_bank[n].eq(bank) for n, bank in enumerate(banks)),
            *(addressing.i_out_bank[n].eq(bank) for n, bank in enumerate(out_banks)),
            addressing.i_tile.eq(pump.o),
            addressing.i_needed.eq(needed),
            addressing.i_layer.eq(later),
        ]
        wiring.connect(m, addressing.o, wiring.flipped(self.o))
        return m

    def _spaced(self, m: Module, name: str, uses: Value, clocks: Value) -> tuple[Value, Value]:
        """What rests ``clocks`` clocks. Whether it may be used in the next: unused in this one; used in it."""
        free, left = Signal(name=name, init=1), Countdown(m, 8, f"until_{name}")
        with m.If(uses):
            left.begin(clocks - 1)
            m.d.sync += free.eq(clocks <= 1)
        with m.Elif(~free):
            left.step()
            m.d.sync += free.eq(left.last)
        return free | left.last, clocks <= 1

    def _make(
        self, m: Module, elastic: Elastic, point: PointWalk, window: WindowWalk, layer: data.View, in_wrap: Value,
        number: Value, begins: Value, walks: Value, is_point: Value,
    ) -> None:  # fmt: skip
        """What the walk whose turn it is makes in this clock, in the same words for both."""
        made, p, w = elastic.i.payload, point.o, window.o

        def either(of_point: ValueLike, of_window: ValueLike) -> Value:
            return Mux(is_point, Value.cast(of_point), Value.cast(of_window))

        m.d.comb += [
            elastic.i.valid.eq(walks),
            made.op.eq(layer.op),
            made.layer.eq(number),
            made.begins.eq(begins),
            made.combines.eq(layer.epilogue != Epilogue.PLAIN),
            made.weighs.eq(~is_point & w.weighs),
            made.take.eq(is_point & p.take),
            made.place.eq(either(p.off, w.place)),
            made.row.eq(either(p.tap_row, w.row)),
            made.past.eq(either(p.tap_row, w.row) - in_wrap),
            made.column.eq(either(p.tap_column, w.column)),
            made.out.eq(either(p.out_off, w.out)),
            made.exists.eq(w.exists),
            made.edge.eq(w.edge),
            made.sub.eq(p.sub),
            made.out_sub.eq(p.out_sub),
            made.operand.eq(either(p.operand, w.operand)),
            made.weight.eq(either(p.weight, w.set)),
            made.first.eq(either(p.first, w.first)),
            made.last.eq(either(p.last, w.last)),
            made.fetch.eq(either(p.fetch, w.fetch)),
            made.parameter.eq(either(p.parameter, w.parameter)),
            made.release.eq(~is_point & w.release),
            made.pop.eq(either(p.last, w.pop)),
            made.ends.eq(either(p.ends, w.ends)),
        ]
