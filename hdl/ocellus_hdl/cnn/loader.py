"""Takes a program image apart, and refuses one that is damaged or made for another accelerator."""

from amaranth.hdl import Cat, Module, Mux, Signal, ValueLike
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


class Loader(wiring.Component):
    """One word a clock; begins when no inference runs.

    The network loaded before is gone from the first word on. A refused image says why in ``o_status.error``, which
    stands until the next image begins; the words after it are swallowed until ``i_reset``.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : stream(unsigned(32)), in
    i_reset : unsigned(1), in
        Forget a half-loaded or refused image: the next word is a header again. A network loaded whole stays.
    i_idle : unsigned(1), in
        No inference runs.
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

    def __init__(self, c: Configuration):
        self._c = c
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

        takes = self.i.valid & self.i.ready
        register = Signal(32 * HEADER_WORDS)
        header = data.View(HEADER, register)
        loaded, error = Signal(), Signal(LoadError)
        # A clock behind: the last word is in the sum before the word comes that it is compared with.
        m.d.sync += [checksum.data.eq(self.i.payload), checksum.valid.eq(takes), checksum.start.eq(0)]
        m.d.comb += [
            self.o_header.eq(header),
            self.o_status.loaded.eq(loaded),
            self.o_status.error.eq(error),
            self.o_status.network_id.eq(Mux(loaded, header.network_id, 0)),
        ]

        word = Signal(range(HEADER_WORDS))
        left, more = Signal(24), Signal()  # entries to come, and whether there are any
        address = Signal(24)
        part = Signal(8)
        program_words = Signal(24)
        m.d.sync += program_words.eq(
            (header.layers << 4) + (header.layers << 3) + header.layers + (header.steps << 2) + (header.steps << 1)
        )

        def refuse(reason: LoadError) -> None:
            m.d.sync += error.eq(reason)
            m.next = "REFUSE"

        def listen_for_reset() -> None:
            with m.If(self.i_reset):
                m.next = "AWAIT_HEADER"

        def begin(section: str, entries: ValueLike) -> None:
            m.d.sync += [left.eq(entries), more.eq(entries != 0), address.eq(0), part.eq(0)]
            m.next = section

        def hand_on(section: Section, parts: int) -> None:
            m.d.comb += self.i.ready.eq(more)
            with m.If(takes):
                m.d.sync += part.eq(part + 1)
                with m.If(part == parts - 1):
                    m.d.sync += [part.eq(0), address.eq(address + 1), left.eq(left - 1), more.eq(left != 1)]
            m.d.sync += [
                self.o.valid.eq(takes),
                self.o.payload.section.eq(section),
                self.o.payload.address.eq(address),
                self.o.payload.part.eq(part),
                self.o.payload.data.eq(self.i.payload),
            ]

        too_large = Signal()
        m.d.sync += too_large.eq(
            (header.layers == 0)
            | (header.layers > c.layers)
            | (header.steps == 0)
            | (program_words > c.program_words)
            | (header.tables > c.tables)
            | (header.parameter_words > c.parameter_words)
            | (header.weight_rows > c.weight_rows(c.weight_words))
            | (header.unfold_bytes > c.unfold_bytes)
        )

        m.d.sync += [self.o.valid.eq(0), self.o_program.valid.eq(0)]
        with m.FSM(name="load") as load:
            m.d.comb += self.o_status.loading.eq(~(load.ongoing("AWAIT_HEADER") | load.ongoing("REFUSE")))

            with m.State("AWAIT_HEADER"):
                m.d.comb += [
                    self.i.ready.eq(self.i_idle & ~self.i_reset),
                    self.o_begins.eq(takes),
                ]
                m.d.sync += [word.eq(HEADER_WORDS - 2), checksum.start.eq(1)]
                with m.If(takes):
                    m.d.sync += [
                        loaded.eq(0),
                        error.eq(LoadError.NONE),
                        register.eq(Cat(register[32:], self.i.payload)),
                    ]
                    m.next = "TAKE_HEADER"

            with m.State("TAKE_HEADER"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(takes):
                    m.d.sync += [word.eq(word - 1), register.eq(Cat(register[32:], self.i.payload))]
                    with m.If(word == 0):
                        m.next = "COUNT"
                listen_for_reset()

            with m.State("COUNT"):
                m.next = "COMPARE"
                listen_for_reset()

            with m.State("COMPARE"):
                m.next = "CHECK_HEADER"
                listen_for_reset()

            with m.State("CHECK_HEADER"):
                with m.If(header.magic != IMAGE_MAGIC):
                    refuse(LoadError.MAGIC)
                with m.Elif((header.version != IMAGE_VERSION) | (header.arithmetic > Arithmetic.SINGLE)):
                    refuse(LoadError.VERSION)
                with m.Elif(
                    (header.word != c.word)
                    | (header.windows != c.windows)
                    | (header.inputs != c.inputs)
                    | (header.outputs != c.outputs)
                ):
                    refuse(LoadError.CONFIGURATION)
                with m.Elif(too_large):
                    refuse(LoadError.TOO_LARGE)
                with m.Else():
                    begin("TAKE_PROGRAM", program_words)
                listen_for_reset()

            with m.State("TAKE_PROGRAM"):
                m.d.comb += self.i.ready.eq(more)
                with m.If(takes):
                    m.d.sync += [address.eq(address + 1), left.eq(left - 1), more.eq(left != 1)]
                m.d.sync += [
                    self.o_program.valid.eq(takes),
                    self.o_program.payload.address.eq(address),
                    self.o_program.payload.data.eq(self.i.payload),
                ]
                with m.If(~more):
                    begin("TAKE_TABLES", header.tables << exact_log2(TABLE_WORDS))
                listen_for_reset()

            with m.State("TAKE_TABLES"):
                hand_on(Section.TABLES, 1)
                with m.If(~more):
                    begin("TAKE_PARAMETERS", header.parameter_words)
                listen_for_reset()

            with m.State("TAKE_PARAMETERS"):
                hand_on(Section.PARAMETERS, 3 * c.parameter_lanes)
                with m.If(~more):
                    begin("TAKE_WEIGHTS", header.weight_rows)
                listen_for_reset()

            with m.State("TAKE_WEIGHTS"):
                hand_on(Section.WEIGHTS, c.weight_row_bytes // 4)
                with m.If(~more):
                    m.next = "TAKE_CHECKSUM"
                listen_for_reset()

            with m.State("TAKE_CHECKSUM"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(takes):
                    with m.If(self.i.payload == checksum.crc):
                        m.d.sync += loaded.eq(1)
                        m.next = "AWAIT_HEADER"
                    with m.Else():
                        refuse(LoadError.CHECKSUM)
                listen_for_reset()

            with m.State("REFUSE"):
                m.d.comb += self.i.ready.eq(1)
                listen_for_reset()
        return m
