"""The weights of depthwise layers: sets of nine taps, fetched ahead of their use."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration

from .cells import copies, passing
from .countdown import Countdown
from .words import ADDRESS_BITS, SETS, WINDOWS_REQUEST, flow

READ = data.StructLayout({"number": range(SETS), "maximum": 1})
"""The set ``number`` behind the head; or the weights that take tap (0, 0) as it is."""


def taps(c: Configuration) -> data.ArrayLayout:
    """Weights ``[tap][channel]`` of a window."""
    return data.ArrayLayout(data.ArrayLayout(signed(8), c.word), PIXELS)


class WindowStore(wiring.Component):
    """A ring of :data:`~.words.SETS` sets in LUT RAM; a set a clock out, one every ``window_words`` clocks in.

    A read arrives two clocks later. Requests are served one after the other, a word in every clock that ``i_free``
    offers; a fetch waits for a set that has been given back.

    Parameters
    ----------
    c : Configuration
    latency : int
        Clocks from ``o_read`` to ``i_word``.

    Attributes
    ----------
    i_request : stream(WINDOWS_REQUEST), in
    i_free : unsigned(1), in
        Nobody else reads the weight memory in this clock.
    o_read : flow(unsigned(24)), out
        Valid only with ``i_free``.
    i_word : array of bytes, in
        What was read.
    o_group : unsigned(1), out
        The last of one more group's sets is on its way: a read ``latency - 1`` clocks later finds it.
    i_read : flow(READ), in
    i_release : flow(number of sets), in
        A read in the same clock still finds the sets that it gives back.
    o : taps, out
    """

    def __init__(self, c: Configuration, latency: int):
        self._c = c
        self._latency = latency
        super().__init__(
            {
                "i_request": In(stream.Signature(WINDOWS_REQUEST)),
                "i_free": In(1),
                "o_read": Out(flow(ADDRESS_BITS)),
                "i_word": In(data.ArrayLayout(8, c.lanes)),
                "o_group": Out(1),
                "i_read": In(flow(READ)),
                "i_release": In(flow(range(SETS + 1))),
                "o": Out(taps(c)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Reader of the weight memory, writer of the ring, reader of the ring."""
        m = Module()
        c = self._c
        last_word = c.window_words - 1

        # Reading ahead. A set is reserved with its first word.
        address, sets, some = Signal(ADDRESS_BITS), Countdown(m, 16, "sets"), Signal()  # some: are to be read
        group, group_sets = Countdown(m, 5, "group"), Signal(range(SETS + 1))
        word = Signal(range(max(2, c.window_words)))
        room, has_room = Signal(range(SETS + 1), init=SETS), Signal(init=1)
        reserves, completes = Signal(), Signal()
        m.d.comb += [
            self.i_request.ready.eq(~some),
            self.o_read.payload.eq(address),
            self.o_read.valid.eq(self.i_free & some & ((word != 0) | has_room)),
            reserves.eq(self.o_read.valid & (word == 0)),
            completes.eq(self.o_read.valid & (word == last_word)),
        ]
        with m.If(self.i_request.ready & self.i_request.valid):
            asked = self.i_request.payload
            m.d.sync += [address.eq(asked.address), some.eq(asked.sets != 0), group_sets.eq(asked.word_sets)]
            sets.begin(asked.sets)
            group.begin(asked.word_sets)
        with m.If(self.o_read.valid):
            m.d.sync += [address.eq(address + 1), word.eq(word + 1)]
            with m.If(completes):
                m.d.sync += [word.eq(0), some.eq(~sets.last)]
                sets.step()
                with m.If(group.last):
                    group.begin(group_sets)
                with m.Else():
                    group.step()
        given = Signal.like(self.i_release.payload)
        with m.If(self.i_release.valid):
            m.d.comb += given.eq(self.i_release.payload)
        m.d.sync += [
            room.eq(room + given - reserves),
            has_room.eq((given != 0) | Mux(reserves, room > 1, has_room)),
        ]

        # Into the ring.
        on_way = Signal(self._latency - 1)
        m.d.sync += on_way.eq((on_way << 1) | self.o_read.valid)
        tail = Signal(range(SETS))
        into = Signal(range(max(2, c.window_words)))
        arrives = on_way[-1]  # in the next clock
        m.d.sync += self.o_group.eq(completes & group.last)
        with m.If(arrives):
            m.d.sync += into.eq(into + 1)
            with m.If(into == last_word):
                m.d.sync += [into.eq(0), tail.eq(tail + 1)]

        # Out of it.
        head = Signal(range(SETS))
        with m.If(self.i_release.valid):
            m.d.sync += head.eq(head + given)
        # Channels lie far apart: each has its own bits of what all of them take.
        number = (head + self.i_read.payload.number)[: len(head)]
        numbers = copies(m, platform, number, c.word, "number")
        maxima = copies(m, platform, self.i_read.payload.maximum, c.word, "maximum")
        tails = copies(m, platform, tail, c.word, "set_there")
        reads = Signal()
        m.d.sync += reads.eq(self.i_read.valid)
        shown = Signal(taps(c), reset_less=True)
        m.d.comb += self.o.eq(shown)
        for n in range(c.window_words):
            writes = copies(m, platform, arrives & (into == n), c.word, f"writes_{n}")
            for g in range(c.word):
                places = [at for at in range(n * c.lanes, (n + 1) * c.lanes) if at % c.word == g]
                here = [at // c.word for at in places if at < PIXELS * c.word]
                if not here:
                    continue
                shape = data.ArrayLayout(signed(8), len(here))
                m.submodules[f"ring_{n}_{g}"] = ring = memory.Memory(shape=shape, depth=SETS, init=[])
                write, read = ring.write_port(), ring.read_port(domain="comb")
                m.d.comb += [
                    write.addr.eq(tails[g]),
                    write.en.eq(writes[g]),
                    *(write.data[k].eq(self.i_word[at % c.lanes]) for k, at in enumerate(places[: len(here)])),
                    read.addr.eq(numbers[g]),
                ]
                # In this order it is a reset of the registers, which takes no logic.
                with m.If(maxima[g]):
                    m.d.sync += [shown[t][g].eq(t == 0) for t in here]
                with m.Elif(passing(platform, reads)):
                    m.d.sync += [shown[t][g].eq(read.data[k]) for k, t in enumerate(here)]
        return m
