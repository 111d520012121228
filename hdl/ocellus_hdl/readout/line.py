"""A moving production line, four pixels a clock, from a few small pictures and the frame's number."""

from amaranth.hdl import Array, Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ocellus.formats import PIXELS_PER_CLOCK, RAW_WORD
from ocellus.line import Flaw, Material, Shape
from ocellus.settings import FrameFormat

from ..layouts import struct
from .line_noise import LineNoise
from .line_place import LinePlace
from .line_sprites import FLAT, flaws, part
from .line_tables import EDGE_BITS, FRAME_BITS, LIGHT, LineGeometry, palette, zone

STEPS = 6
"""From a word's place to its pixels."""
ROOM = 4
"""Words that may wait for readout."""


def _is_metal(code: Value) -> Value:
    """Not the belt, nor a shadow on it: codes from 6 on."""
    return code[3] | code[1:3].all()


class Line(wiring.Component):
    """The words of the production line, one after the other; docs/line.md says what they show.

    ``o`` belongs to the word that ``i_step`` steps over. Two or three words wait there, so that nothing but a queue has
    to know ``i_step`` in its clock. Without ``i_enable`` all stands still; with it the next frame's first word is there
    after eight clocks. Enabled within a frame, it draws the next one right.

    Parameters
    ----------
    frame : FrameFormat

    Attributes
    ----------
    i_enable : in
    i_step : in
        The word is used in this clock.
    i_last : in
        It is the last of its frame.
    i_frame : 16, in
        Number of the frame that is in progress, or begins next.
    o_ready : out
        A frame may begin: ``o`` is its first word.
    o : RAW_WORD, out
    """

    i_enable: In(1)
    i_step: In(1)
    i_last: In(1)
    i_frame: In(FRAME_BITS)
    o_ready: Out(1)
    o: Out(struct(RAW_WORD))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame
        self._geometry = LineGeometry(frame)

    def elaborate(self, platform: object) -> Module:
        """Each paragraph is a step further on; a number behind a name is the step to which a value belongs."""
        m = Module()
        geometry = self._geometry
        step = Signal(init=1)
        restart = Signal(init=1)
        pixels = Signal(struct(RAW_WORD))

        slots = Memory(shape=geometry.slot_layout(), depth=32, init=geometry.slots())
        parts = Memory(shape=4, depth=1 << 14, init=[code for shape in Shape for code in part(shape)])
        marks = Memory(shape=2, depth=1 << 12, init=flaws())
        lights = Memory(shape=LIGHT, depth=1 << 10, init=[LIGHT.const(pair) for pair in palette()])
        m.submodules.slots, m.submodules.parts, m.submodules.marks, m.submodules.lights = slots, parts, marks, lights
        m.submodules.place = place = LinePlace(self._frame)
        m.submodules.noise = noise = LineNoise()

        def later(name: str, value, steps: int = 1):
            """The value, so many steps later."""
            for n in range(steps):
                register = Signal.like(value, name=f"{name}_{n + 1}")
                with m.If(step):
                    m.d.sync += register.eq(value)
                value = register
            return value

        m.d.comb += [place.i_step.eq(step), place.i_restart.eq(restart), place.i_frame.eq(self.i_frame)]
        slot_port = slots.read_port(domain="comb")
        m.d.comb += slot_port.addr.eq(Cat(place.o_belt[8:], place.o_lower))
        slot1 = later("slot", slot_port.data)
        within1, row1, edge1 = later("within", place.o_belt[:8]), later("row", place.o_row), later("edge", place.o_edge)
        thread1 = later("thread", place.o_belt[1] ^ place.o_row[1])

        # The cell of the part, in the part's own axes.
        across, down = within1 - slot1.x, row1 - slot1.top
        u2 = later("u", Mux(slot1.turned, down[:7], across[:7]))
        v2 = later("v", Mux(slot1.turned, across[:7], down[:7]))
        on_part2 = later("on_part", slot1.filled & (across[7:] == 0) & (down[7:] == 0))
        zones = Array(zone(distance) for distance in range(1 << EDGE_BITS))
        far = edge1[EDGE_BITS:].any()
        zone2 = later("zone", Mux(far, zone(1 << EDGE_BITS), zones[edge1[:EDGE_BITS]]))
        slot2 = later("slot_of_part", slot1)

        # One quarter stands for all four; a flaw has a place of its own.
        part_port, mark_port = parts.read_port(), marks.read_port()
        column, line = (Mux(at[6], at[:6], ~at[:6]) for at in (u2, v2))
        aside, below = u2 - slot2.flaw_x, v2 - slot2.flaw_y
        m.d.comb += [
            part_port.en.eq(step),
            part_port.addr.eq(Cat(column, line, slot2.kind)),
            mark_port.en.eq(step),
            mark_port.addr.eq(Cat(aside[1:6], below[1:6], slot2.flaw)),
        ]
        on_part3 = later("on_part_read", on_part2)
        on_flaw3 = later("on_flaw", on_part2 & (aside[6:] == 0) & (below[6:] == 0))
        chip3 = later("chip", slot2.flaw == Flaw.CHIP)

        # What the flaw leaves of the part.
        code, mark = Signal(4), Signal(2)
        m.d.comb += [code.eq(Mux(on_part3, part_port.data, 0)), mark.eq(Mux(on_flaw3, mark_port.data, 0))]
        flawed = Array((0, 14, 13, 15))[mark]
        code4 = later("code", Mux(mark.any() & (chip3 | _is_metal(code)), Mux(chip3, 0, flawed), code))

        # Its colour. Where no part is, the belt's or the rail's; shadows are the belt's, too.
        light_port = lights.read_port()
        quadrant4, grain4 = later("quadrant", Cat(u2[6], v2[6]), 2), later("grain", v2[0] ^ v2[2], 2)
        zone4, material4 = later("zone_of_code", zone2, 2), later("material", slot2.material, 2)
        thread4, odd4 = later("thread_of_code", thread1, 3), later("odd", place.o_odd, 4)
        seen, material = Signal(4), Signal(3)
        m.d.comb += [seen.eq(code4), material.eq(material4)]
        with m.If(code4 == 0):
            m.d.comb += seen.eq(zone4)
        with m.Elif(grain4 & (code4[1:] == FLAT >> 1)):
            m.d.comb += seen.eq(code4[0])
        with m.If(~_is_metal(code4)):
            m.d.comb += material.eq(Mux(thread4, Material.THREAD, Material.BELT))
        m.d.comb += [light_port.en.eq(step), light_port.addr.eq(Cat(odd4, quadrant4, seen, material))]

        m.d.comb += [
            noise.i_step.eq(step),
            noise.i_first.eq(later("first", place.o_first, 3)),
            noise.i_frame.eq(place.o_frame),
        ]
        for index in range(PIXELS_PER_CLOCK):
            level = light_port.data[index % 2] << 1
            with m.If(step):
                m.d.sync += pixels.pixel[index].eq(noise.o[index] + level)

        # Words wait until readout takes them, and the steps wait while enough of them do.
        words = SyncFIFO(width=struct(RAW_WORD).size + 1, depth=ROOM)
        m.submodules.words = ResetInserter(restart)(words)
        drawn = Signal(STEPS)
        last, take, put = Signal(), Signal(), Signal()
        m.d.comb += [
            put.eq(step & drawn[-1]),
            words.w_en.eq(put),
            words.w_data.eq(Cat(pixels, later("last", place.o_last, STEPS))),
            take.eq(self.i_step & words.r_rdy),
            words.r_en.eq(take),
            Cat(self.o, last).eq(words.r_data),
            self.o_ready.eq(words.r_rdy & ~restart),
        ]
        with m.If(step):
            m.d.sync += drawn.eq(Cat(1, drawn))
        # Decided a clock ahead: the queue never holds more than three words, and two are left when it goes on.
        m.d.sync += step.eq(words.level + put - take < ROOM - 1)

        # Whoever enables the line within a frame gets words from another place of it; its end puts that right.
        m.d.sync += restart.eq(~self.i_enable | (self.i_step & self.i_last & ~(words.r_rdy & last)))
        with m.If(restart):
            m.d.sync += [step.eq(1), drawn.eq(0)]
        return m
