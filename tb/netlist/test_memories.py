"""Memories of all shapes that the design has, through Yosys: the netlist gives what Amaranth's simulator gives."""

import random
from typing import Any

import pytest
from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from . import netlist
from .model import Model, build

CLOCKS = 3000
DICE = random.Random(6)
RUN_BITS = 36 + 14 + 14 + 4 + 1 + 1

SHAPES = {
    # name: width, depth, bits of a byte, transparent, initial contents
    "pairs": (36, 512, 9, False, True),
    "words": (32, 512, 8, False, True),
    "transparent": (32, 512, None, True, False),
    "halves": (18, 1024, 9, False, True),
    "sixteens": (16, 1024, None, True, True),
    "bytes": (9, 2048, None, False, True),
    "nibbles": (4, 4096, None, False, True),
    "couples": (2, 8192, None, False, True),
    "bits": (1, 16384, None, False, True),
    "deep": (32, 4096, None, False, True),
    "wide": (64, 512, None, False, False),
    "small": (7, 16, None, False, True),
    "small_transparent": (12, 32, None, True, True),
}
ROMS = {"table": (4, 16384), "palette": (20, 1024)}


class Memories(wiring.Component):
    """Each memory has the same address, data and enables, as many of their bits as it takes."""

    i_data: In(36)
    i_write: In(14)
    i_read: In(14)
    i_enables: In(4)
    i_writes: In(1)
    i_reads: In(1)
    o: Out(data.StructLayout({name: unsigned(shape[0]) for name, shape in (SHAPES | ROMS).items()}))

    def elaborate(self, platform: object) -> Module:
        """Write port, read port."""
        m = Module()
        dice = random.Random(7)
        for name, (width, depth, granularity, transparent, begins) in SHAPES.items():
            init = [dice.getrandbits(width) for _ in range(depth)] if begins else []
            m.submodules[name] = memory = Memory(shape=unsigned(width), depth=depth, init=init)
            write = memory.write_port(granularity=granularity)
            read = memory.read_port(transparent_for=(write,) if transparent else ())
            m.d.comb += [
                write.addr.eq(self.i_write), write.data.eq(self.i_data ^ self.i_data << 30),
                write.en.eq(self.i_enables & self.i_writes.replicate(len(write.en))),
                read.addr.eq(self.i_read), read.en.eq(self.i_reads), self.o[name].eq(read.data),
            ]  # fmt: skip
        for name, (width, depth) in ROMS.items():
            init = [dice.getrandbits(width) for _ in range(depth)]
            m.submodules[name] = memory = Memory(shape=unsigned(width), depth=depth, init=init)
            read = memory.read_port()
            m.d.comb += [read.addr.eq(self.i_read), read.en.eq(self.i_reads), self.o[name].eq(read.data)]
        return m


FIELDS = (("i_data", 36), ("i_write", 14), ("i_read", 14), ("i_enables", 4), ("i_writes", 1), ("i_reads", 1))
BENCH = f"""module bench(input clk, input [{RUN_BITS - 1}:0] i, output [{{bits}}:0] o);
  top memories(.clk(clk), .rst(1'b0), .i_data(i[35:0]), .i_write(i[49:36]), .i_read(i[63:50]), .i_enables(i[67:64]),
    .i_writes(i[68]), .i_reads(i[69]), .o(o));
endmodule
"""


def traffic() -> list[dict[str, int]]:
    """Few addresses at a time, so that reading meets writing."""
    found = []
    for _ in range(CLOCKS):
        near = DICE.choice((0, 15, 16383, 511))
        found.append(
            {
                "i_data": DICE.getrandbits(36),
                "i_write": near ^ DICE.choice((0, 1, 2)),
                "i_read": near ^ DICE.choice((0, 1, 2)) if DICE.random() < 0.9 else DICE.getrandbits(14),
                "i_enables": DICE.choice((15, 15, DICE.getrandbits(4))),
                "i_writes": int(DICE.random() < 0.6),
                "i_reads": int(DICE.random() < 0.8),
            }
        )
    return found


def expected(clocks: list[dict[str, int]]) -> list[int]:
    """What Amaranth's simulator gives, before each edge."""
    memories, got = Memories(), []

    async def play(ctx: Any) -> None:
        for pins in clocks:
            for name, value in pins.items():
                ctx.set(getattr(memories, name), value)
            *_, o = await ctx.tick().sample(memories.o.as_value())
            got.append(o)

    simulator = Simulator(memories)
    simulator.add_clock(1e-6)
    simulator.add_testbench(play)
    simulator.run()
    return got


@pytest.mark.skipif(not netlist.there(), reason=netlist.TOOLS_ABSENT)
def test_memories_behave_as_in_the_simulator_where_reading_meets_writing():
    """The cell gives rubbish there (cells/dp16kd.v): what Yosys puts around it makes it the old word, or the new."""
    memories = Memories()
    ports: list[Value] = [getattr(memories, name) for name, _ in FIELDS]
    ports.append(memories.o.as_value())
    text = netlist.of_design(memories, ports)
    for cell in ("DP16KD", "TRELLIS_DPR16X4"):
        assert f"  {cell} #(" in text
    clocks = traffic()
    bits = len(memories.o.as_value())
    with Model(build([text, BENCH.format(bits=bits - 1)], "memories"), RUN_BITS, bits) as model:
        words = []
        for pins in clocks:
            word = at = 0
            for name, wide in FIELDS:
                word |= pins[name] << at
                at += wide
            words.append(word)
        got = model.run_words(words)
    for clock, (want, found) in enumerate(zip(expected(clocks), got, strict=True)):
        for name, field in memories.o.shape():
            mask = (1 << field.width) - 1
            w, f = (value >> field.offset & mask for value in (want, found))
            assert f == w, f"clock {clock}, {name}: found {f:x}, expected {w:x}"
