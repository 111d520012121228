"""Takes a program image apart, and refuses one that is damaged or made for another accelerator."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import crc, data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ocellus.configurations import Configuration
from ocellus.formats import Arithmetic, LoadError
from ocellus.program_formats import IMAGE_MAGIC, IMAGE_VERSION

from .descriptor import HEADER, STATUS
from .sequencer import PIECE
from .words import LOAD, Section, flow

HEADER_WORDS = HEADER.size // 32

TABLE_WORDS = 256 // 4
LEFT_BITS = 28
"""Of a section's number of words."""


class Loader(wiring.Component):
    """One word a clock; begins when no inference runs, or nothing of it is under way while it waits for rows.

    The network loaded before is gone from the first word on. A refused image says why in ``o_status.error``, which
    stands until the next image begins; the words after it are swallowed until ``i_reset``.

    Parameters
    ----------
    c : Configuration
    header : int, or None
        Of a network that is there from power-on. Such a network, and one that has taken its place, is still there
        after a reset, as what the memories hold is; without a header a reset forgets the network.

    Attributes
    ----------
    i : stream(unsigned(32)), in
    i_reset : unsigned(1), in
        Forget a half-loaded or refused image: the next word is a header again. A network loaded whole stays.
    i_idle : unsigned(1), in
        An image may come.
    o : flow(LOAD), out
        To the datapath's memories.
    o_program : flow(PIECE), out
        To the sequencer's.
    o_begins : unsigned(1), out
        The first word of an image is being taken.
    o_header : IMAGE_HEADER, out
        Of the network loaded.
    o_status : CNN_STATUS, out
    """

    def __init__(self, c: Configuration, header: int | None = None):
        self._c = c
        self._header = header
        super().__init__(
            {
                "i": In(stream.Signature(32)),
                "i_reset": In(1),
                "i_idle": In(1),
                "o": Out(flow(LOAD)),
                "o_program": Out(flow(PIECE)),
                "o_begins": Out(1),
                "o_header": Out(HEADER),
                "o_status": Out(STATUS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Header, its check, three sections, checksum."""
        m = Module()
        c = self._c
        m.submodules.checksum = checksum = crc.catalog.CRC32_ISO_HDLC(data_width=32).create()

        takes, begins, goes_on = Signal(), Signal(), Signal()  # a word; the first of an image; another one
        stays = self._header is not None
        register = Signal(32 * HEADER_WORDS, init=self._header or 0, reset_less=stays)
        header = data.View(HEADER, register)
        loaded, error = Signal(init=stays, reset_less=stays), Signal(LoadError)
        # A clock behind: the last word is in the sum before the word comes that it is compared with.
        word, of_header = checksum.data, Signal()
        m.d.sync += [word.eq(self.i.payload), checksum.valid.eq(takes), checksum.start.eq(0), of_header.eq(0)]
        with m.If(of_header):
            m.d.sync += register.eq(Cat(register[32:], word))
        m.d.comb += [
            self.o_header.eq(header),
            self.o_status.loaded.eq(loaded),
            self.o_status.error.eq(error),
            self.o_status.network_id.eq(Mux(loaded, header.network_id, 0)),
        ]

        header_left = Signal(range(HEADER_WORDS))
        # Words of the section to come; whether there are any; that is being found out.
        left, more, counts = Signal(LEFT_BITS), Signal(), Signal()
        address = Signal(24)
        part = Signal(8)
        program_words = Signal(24)
        m.d.sync += program_words.eq(
            (header.layers << 4) + (header.layers << 3) + header.layers + (header.steps << 2) + (header.steps << 1)
        )

        over = ~more & ~counts

        # Whether a word is taken hangs on three registers that go with the states.
        awaits, takes_all = Signal(init=1), Signal()
        may_begin = awaits & self.i_idle & ~self.i_reset
        m.d.comb += [
            self.i.ready.eq(may_begin | takes_all | more),
            begins.eq(self.i.valid & may_begin),
            goes_on.eq(self.i.valid & (takes_all | more)),
            takes.eq(begins | goes_on),
            self.o_begins.eq(begins),
        ]

        def turn_to(state: str) -> None:
            m.d.sync += [
                awaits.eq(state == "AWAIT_HEADER"),
                takes_all.eq(state in ("TAKE_HEADER", "TAKE_CHECKSUM", "REFUSE")),
            ]
            m.next = state

        def refuse(reason: ValueLike) -> None:
            m.d.sync += error.eq(reason)
            turn_to("REFUSE")

        def listen_for_reset() -> None:
            with m.If(self.i_reset):
                m.next = "AWAIT_HEADER"

        # What a section's words are called is counted behind them.
        parts = Signal.like(part)
        m.d.comb += [
            self.o.payload.address.eq(address),
            self.o.payload.part.eq(part),
            self.o.payload.data.eq(word),
            self.o_program.payload.address.eq(address),
            self.o_program.payload.data.eq(word),
        ]
        with m.If(self.o.valid | self.o_program.valid):
            m.d.sync += part.eq(part + 1)
            with m.If(part == parts):
                m.d.sync += [part.eq(0), address.eq(address + 1)]

        following = Signal.like(left)

        def begin(section: str, of_entry: int) -> None:
            """With so many words an entry; how many in all is in ``following`` since the clock before."""
            m.d.sync += [left.eq(following), counts.eq(1), parts.eq(of_entry - 1)]
            turn_to(section)

        with m.If(counts):
            m.d.sync += [more.eq(left != 0), counts.eq(0), address.eq(0), part.eq(0)]
        with m.If(more & self.i.valid):
            m.d.sync += [left.eq(left - 1), more.eq(left != 1)]

        def take(valid: ValueLike, next_words: ValueLike) -> None:
            m.d.sync += [Value.cast(valid).eq(goes_on), following.eq(next_words)]

        def hand_on(section: Section, next_words: ValueLike) -> None:
            take(self.o.valid, next_words)
            m.d.sync += self.o.payload.section.eq(section)

        # Their numbers of words.
        parameter_parts, weight_parts = 3 * c.parameter_lanes, c.lanes // 4
        parameter_words, weight_words = Signal(LEFT_BITS), Signal(LEFT_BITS)
        m.d.sync += [
            parameter_words.eq(_times(header.parameter_words, parameter_parts)),
            weight_words.eq(_times(header.weight_words, weight_parts)),
        ]

        too_large = Signal()
        m.d.sync += too_large.eq(
            (header.layers == 0)
            | (header.layers > c.layers)
            | (header.steps == 0)
            | (program_words > c.program_words)
            | (header.tables > c.tables)
            | (header.parameter_words > c.parameter_words)
            | (header.weight_words > c.weight_words)
            | (header.unfold_bytes > c.unfold_bytes)
        )

        m.d.sync += [self.o.valid.eq(0), self.o_program.valid.eq(0)]
        # What is wrong with a header that has come whole.
        fault = Signal(LoadError)
        other_shape = (
            (header.word != c.word)
            | (header.windows != c.windows)
            | (header.inputs != c.inputs)
            | (header.outputs != c.outputs)
        )
        with m.If(header.magic != IMAGE_MAGIC):
            m.d.sync += fault.eq(LoadError.MAGIC)
        with m.Elif((header.version != IMAGE_VERSION) | (header.arithmetic > Arithmetic.SINGLE)):
            m.d.sync += fault.eq(LoadError.VERSION)
        with m.Elif(other_shape):
            m.d.sync += fault.eq(LoadError.CONFIGURATION)
        with m.Else():
            m.d.sync += fault.eq(Mux(too_large, LoadError.TOO_LARGE, LoadError.NONE))

        with m.FSM(name="load") as load:
            m.d.comb += self.o_status.loading.eq(~(load.ongoing("AWAIT_HEADER") | load.ongoing("REFUSE")))

            with m.State("AWAIT_HEADER"):
                m.d.sync += [header_left.eq(HEADER_WORDS - 2), checksum.start.eq(1), of_header.eq(begins)]
                with m.If(begins):
                    m.d.sync += [loaded.eq(0), error.eq(LoadError.NONE)]
                    turn_to("TAKE_HEADER")

            with m.State("TAKE_HEADER"):
                m.d.sync += of_header.eq(goes_on)
                with m.If(goes_on):
                    m.d.sync += header_left.eq(header_left - 1)
                    with m.If(header_left == 0):
                        turn_to("SETTLE")
                listen_for_reset()

            with m.State("SETTLE"):
                turn_to("COUNT")
                listen_for_reset()

            with m.State("COUNT"):
                turn_to("COMPARE")
                listen_for_reset()

            with m.State("COMPARE"):
                m.d.sync += following.eq(program_words)
                turn_to("JUDGE")
                listen_for_reset()

            with m.State("JUDGE"):
                turn_to("CHECK_HEADER")
                listen_for_reset()

            with m.State("CHECK_HEADER"):
                with m.If(fault != LoadError.NONE):
                    refuse(fault)
                with m.Else():
                    begin("TAKE_PROGRAM", 1)
                listen_for_reset()

            with m.State("TAKE_PROGRAM"):
                take(self.o_program.valid, header.tables << exact_log2(TABLE_WORDS))
                with m.If(over):
                    begin("TAKE_TABLES", 1)
                listen_for_reset()

            with m.State("TAKE_TABLES"):
                hand_on(Section.TABLES, parameter_words)
                with m.If(over):
                    begin("TAKE_PARAMETERS", parameter_parts)
                listen_for_reset()

            with m.State("TAKE_PARAMETERS"):
                hand_on(Section.PARAMETERS, weight_words)
                with m.If(over):
                    begin("TAKE_WEIGHTS", weight_parts)
                listen_for_reset()

            with m.State("TAKE_WEIGHTS"):
                hand_on(Section.WEIGHTS, 0)
                with m.If(over):
                    turn_to("TAKE_CHECKSUM")
                listen_for_reset()

            with m.State("TAKE_CHECKSUM"):
                with m.If(goes_on):
                    with m.If(self.i.payload == checksum.crc):
                        m.d.sync += loaded.eq(1)
                        turn_to("AWAIT_HEADER")
                    with m.Else():
                        refuse(LoadError.CHECKSUM)
                listen_for_reset()

            with m.State("REFUSE"):
                listen_for_reset()
        # A reset is the same in all states.
        with m.If(self.i_reset):
            m.d.sync += [more.eq(0), counts.eq(0), awaits.eq(1), takes_all.eq(0)]
        return m


def _times(number: Value, times: int) -> Value:
    """A sum of shifts: synthesis would take a multiplier for the product."""
    return sum((number << k for k in range(times.bit_length()) if times >> k & 1), Const(0))
