"""Takes the input tensor into the activation memory, row by row, as far ahead as its ring of rows allows."""

from amaranth.hdl import Cat, Module, Mux, ResetSignal, Signal, Value, signed
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .countdown import Countdown
from .descriptor import HEADER, TENSOR
from .places import added, further, named, place
from .words import incoming

LEAVING = 4
"""Words that may wait for their bank."""


class Inlet(wiring.Component):
    """A byte a clock, a clock for each word stored, four for each row, and those of its unfolding beyond the last byte.

    A stored pixel holds the bytes of ``unfold_columns`` columns of the tensor side by side, ``input_fill`` beyond the
    row's ends. A tensor ends with its ``last``: when it is shorter than the network's input the rest keeps its old
    bytes, when it is longer the surplus is dropped. The rest of a tensor in whose midst a network is loaded is dropped.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : stream(TENSOR_BYTE), in
    i_open : unsigned(1), in
        There is a network.
    i_forget : unsigned(1), in
        A network is being loaded, and all but the memory of a tensor's midst is reset: drop the tensor that has begun.
    i_header : IMAGE_HEADER, in
    i_freed : unsigned(16), in
        Rows of this tensor that nobody needs any more.
    i_restart : unsigned(1), in
        The inference is over: the next tensor may come.
    o : stream(incoming), out
    o_free : unsigned(1), out
        A tensor may begin.
    o_begun, o_full : unsigned(1), out
        A tensor has begun to come; it has come whole.
    o_rows : unsigned(16), out
        Rows of it that have come; the last one when the tensor has ended.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(stream.Signature(TENSOR)),
                "i_open": In(1),
                "i_forget": In(1),
                "i_header": In(HEADER),
                "i_freed": In(16),
                "i_restart": In(1),
                "o": Out(stream.Signature(incoming(c))),
                "o_free": Out(1),
                "o_begun": Out(1),
                "o_full": Out(1),
                "o_rows": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The bytes of a stored pixel stand in a row of registers that the unfolded columns slide through."""
        m = Module()
        c = self._c
        header = self.i_header
        m.submodules.leaving = leaving = fifo.SyncFIFO(width=incoming(c).size, depth=LEAVING)
        leaves = Signal(incoming(c))
        size = max(c.unfold_bytes, c.word)
        byte = [Signal(signed(8), name=f"byte_{n}", reset_less=True) for n in range(size)]

        unfolds = Signal()
        m.d.sync += unfolds.eq(header.unfold_columns > 1)
        # What the reset by a load must not forget: bytes that still belong to a tensor which nobody wants. One of the
        # whole domain does: what comes then is a tensor's beginning.
        midst, skips = Signal(reset_less=True), Signal(reset_less=True)
        # Registers: bytes of a row are taken; virtual ones are made; what is left of a tensor is swallowed.
        takes, real, virtual, swallows = Signal(), Signal(), Signal(), Signal()
        stores, stored_one = Signal(), Signal()  # a word waits to be stored, and is
        has_room = Signal(init=1)  # even if a word was stored a clock ago
        m.d.sync += has_room.eq(leaving.level < LEAVING - 1)
        m.d.comb += [
            takes.eq(self.i.valid & self.i.ready),
            self.i.ready.eq((skips | real | swallows) & ~self.i_forget),
        ]
        with m.If(takes):
            m.d.sync += midst.eq(~self.i.payload.last)
            with m.If(self.i.payload.last):
                m.d.sync += skips.eq(0)
        with m.If(self.i_forget & midst):
            m.d.sync += skips.eq(1)
        with m.If(ResetSignal(allow_reset_less=True)):
            m.d.sync += [midst.eq(0), skips.eq(0)]

        m.d.comb += [
            leaving.w_data.eq(leaves),
            leaving.w_en.eq(stored_one),
            stored_one.eq(stores & has_room),
            self.o.payload.eq(leaving.r_data),
            self.o.valid.eq(leaving.r_rdy),
            leaving.r_en.eq(self.o.ready),
        ]

        begun = Signal()
        rows, slot = Signal(16), Signal(16)
        columns, channels, stored = (Countdown(m, 16, name) for name in ("columns", "channels", "stored"))
        until_end = Countdown(m, 16, "until_end")  # columns, up to the one that completes the next stored pixel
        beyond, pixel_is_over, all_stored = Signal(), Signal(), Signal()  # beyond: only virtual columns are left
        at, fills_word = Signal(range(size)), Signal()  # plain: where the next byte goes; and completes a word
        word, words = Signal(range(max(2, size // c.word))), Countdown(m, 8, "words")  # of the stored pixel
        row_place, pixel_place, at_word = Signal(place(c)), Signal(place(c)), Signal(place(c))
        ended = Signal()  # the tensor's last byte has come
        whole = Signal()  # and what came of it is stored

        # In a row's first clock all bytes are filled; which bytes the next one moves into does not hang on its coming.
        comes, shifts, fills, value = Signal(), Signal(), Signal(), Signal(signed(8))
        m.d.comb += [
            comes.eq(real & self.i.valid),
            shifts.eq(comes | virtual),
            value.eq(Mux(virtual, header.input_fill, self.i.payload.value)),
        ]
        for n in range(size):
            behind = byte[n + 1] if n + 1 < size else value
            following = Mux(unfolds & (header.unfold_bytes != n + 1), behind, value)
            with m.If(fills | (shifts & (unfolds | (at == n)))):
                m.d.sync += byte[n].eq(Mux(fills, header.input_fill, following))

        # Steady for some clocks before they are asked for.
        fits, last_row, last_slot, unfolded_words = Signal(), Signal(), Signal(), Signal(8)
        m.d.sync += [
            fits.eq(rows < self.i_freed + header.ring_rows),
            last_row.eq(rows == header.input_rows - 1),
            last_slot.eq(slot == header.ring_rows - 1),
            unfolded_words.eq(((header.unfold_bytes - 1) >> c.word.bit_length() - 1) + 1),
        ]
        completes = Signal()
        m.d.comb += [
            completes.eq(
                Mux(
                    unfolds,
                    channels.last & until_end.last & ~all_stored,
                    channels.last | fills_word,
                )
            ),
            self.o_rows.eq(Mux(whole, header.input_rows, rows)),
            self.o_begun.eq(begun),
            self.o_full.eq(ended),
        ]

        with m.If(fills):
            columns.begin(header.input_columns)
            channels.begin(header.input_channels)
            stored.begin(header.stored_columns)
            until_end.begin((header.unfold_columns - header.unfold_lead)[:16])
            m.d.sync += [
                pixel_place.eq(row_place), at_word.eq(row_place), at.eq(0), fills_word.eq(0), beyond.eq(0),
                all_stored.eq(0),
            ]  # fmt: skip

        # A byte of the row has come, real or virtual.
        with m.If(shifts):
            m.d.sync += [at.eq(at + 1), fills_word.eq(at == c.word - 2), pixel_is_over.eq(channels.last)]
            channels.step()
            with m.If(channels.last):
                channels.begin(header.input_channels)
                columns.step()
                until_end.step()
                with m.If(columns.last):
                    m.d.sync += beyond.eq(1)
            with m.If(completes):
                m.d.sync += [word.eq(0), at.eq(0), fills_word.eq(0)]
                words.begin(unfolded_words)
                with m.If(unfolds):
                    m.d.sync += at_word.eq(pixel_place)

        m.d.comb += [
            leaves.line.eq(at_word.line),
            leaves.bank.eq(at_word.bank),
        ]
        picked: Value = Cat(byte[: c.word])
        for n in range(1, size // c.word):
            picked = Mux(unfolds & (word == n), Cat(byte[n * c.word : (n + 1) * c.word]), picked)
        m.d.comb += leaves.data.eq(picked)

        row_is_over = Signal()
        m.d.comb += row_is_over.eq(beyond & (~unfolds | all_stored))

        with m.FSM(name="inlet"):
            with m.State("AWAIT_TENSOR"):
                m.d.comb += self.o_free.eq(self.i_open)
                m.d.sync += slot.eq(0)
                m.d.sync += row_place.eq(named(c, header, "input"))
                with m.If(self.i_open & self.i.valid & ~skips):
                    m.d.sync += fills.eq(1)
                    m.next = "BEGIN_ROW"

            with m.State("BEGIN_ROW"):
                m.d.sync += fills.eq(0)
                m.next = "AWAIT_ROOM"

            with m.State("AWAIT_ROOM"), m.If(fits):
                m.d.sync += real.eq(1)
                m.next = "FILL"

            with m.State("FILL"):
                with m.If(comes):
                    m.d.sync += begun.eq(1)
                    with m.If(self.i.payload.last):
                        m.d.sync += ended.eq(1)
                    with m.If(self.i.payload.last | (columns.last & channels.last)):
                        m.d.sync += real.eq(0)
                        m.next = "DECIDE"
                with m.If(shifts & completes):
                    m.d.sync += [real.eq(0), virtual.eq(0), stores.eq(1)]
                    m.next = "STORE"

            with m.State("DECIDE"):
                with m.If(row_is_over):
                    m.next = "NEXT_ROW"
                with m.Elif(beyond | ~ended):
                    m.d.sync += [real.eq(~beyond), virtual.eq(beyond)]
                    m.next = "FILL"
                with m.Else():
                    m.next = "HOLD"

            with m.State("STORE"), m.If(stored_one):
                m.d.sync += [word.eq(word + 1), at_word.eq(added(c, at_word, named(c, header, "input_plane")))]
                words.step()
                with m.If(Mux(unfolds, words.last, pixel_is_over)):
                    stored.step()
                    until_end.begin(header.unfold_stride)
                    with m.If(stored.last):
                        m.d.sync += all_stored.eq(1)
                    m.d.sync += [
                        pixel_place.eq(further(c, pixel_place, 1)), at_word.eq(further(c, pixel_place, 1)),
                    ]  # fmt: skip
                with m.If(~unfolds | words.last):
                    m.d.sync += [stores.eq(0), real.eq(~beyond & ~ended)]
                    with m.If(~beyond & ~ended):
                        m.next = "FILL"
                    with m.Else():
                        m.next = "DECIDE"

            with m.State("NEXT_ROW"), m.If(~leaving.r_rdy):
                m.d.sync += slot.eq(slot + 1)
                # The last row counts when the surplus has come: the inference must not be over before its tensor is.
                with m.If(~last_row | ended):
                    m.d.sync += rows.eq(rows + 1)
                with m.If(last_row):
                    m.next = "SURPLUS"
                with m.Elif(ended):
                    m.next = "HOLD"
                with m.Elif(last_slot):
                    m.d.sync += [slot.eq(0), row_place.eq(named(c, header, "input")), fills.eq(1)]
                    m.next = "BEGIN_ROW"
                with m.Else():
                    m.d.sync += [row_place.eq(added(c, row_place, named(c, header, "input_row"))), fills.eq(1)]
                    m.next = "BEGIN_ROW"

            with m.State("SURPLUS"):
                m.d.sync += swallows.eq(~ended)
                with m.If(swallows & self.i.valid & self.i.payload.last):
                    m.d.sync += [ended.eq(1), swallows.eq(0)]
                with m.If(ended):
                    m.next = "HOLD"

            with m.State("HOLD"):
                m.d.comb += whole.eq(1)
                with m.If(self.i_restart):
                    m.d.sync += [begun.eq(0), ended.eq(0), rows.eq(0)]
                    m.next = "AWAIT_TENSOR"
        return m
