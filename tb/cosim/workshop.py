"""A component with parts that rest: a worker with a memory, a wall clock that never stops, and a restless one."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped


class WallClock(wiring.Component):
    """Counts clocks."""

    o: Out(16)

    def elaborate(self, platform: object) -> Module:
        """One register."""
        m = Module()
        m.d.sync += self.o.eq(self.o + 1)
        return m


class Worker(wiring.Component):
    """Works on a job for as many clocks as its number says, then hands out a sum that depends on all jobs before it."""

    i: In(stream.Signature(8))
    o: Out(stream.Signature(32))
    o_time: Out(16)

    def elaborate(self, platform: object) -> Module:
        """Sums kept in a memory of eight, one a job in turn."""
        m = Module()
        m.submodules.wall_clock = wall_clock = WallClock()
        m.submodules.memory = memory = Memory(shape=32, depth=8, init=range(8))
        read, write = memory.read_port(), memory.write_port()
        left, place, total = Signal(8), Signal(3), Signal(32)
        m.d.comb += [
            self.o_time.eq(wall_clock.o), read.en.eq(1), read.addr.eq(place), write.addr.eq(place),
            write.data.eq(total), self.o.payload.eq(total),
        ]  # fmt: skip
        with m.FSM():
            with m.State("WAIT"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += left.eq(self.i.payload)
                with m.If(self.i.valid):
                    m.d.sync += [place.eq(place + 3), total.eq(read.data + self.i.payload)]
                    m.next = "WORK"
            with m.State("WORK"):
                m.d.sync += left.eq(left - 1)
                with m.If(left == 0):
                    m.d.comb += write.en.eq(1)
                    m.next = "GIVE"
                with m.Else():
                    m.d.sync += total.eq((total << 1) ^ total[31] ^ left)
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "WAIT"
        return m


class Workshop(wiring.Component):
    """The parts side by side; what reaches the worker is worked out from an input, not a register.

    Parameters
    ----------
    resting, pausing
        The parts that the simulator may stop, shut and not.
    """

    i: In(stream.Signature(8))
    i_mask: In(8)
    o: Out(stream.Signature(32))
    o_time: Out(16)
    o_ticks: Out(16)

    def __init__(self, resting: tuple[str, ...] = (), pausing: tuple[str, ...] = ()) -> None:
        self.resting, self.pausing = resting, pausing
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Two parts."""
        m = Module()
        m.submodules.worker = worker = Worker()
        m.submodules.restless = restless = WallClock()
        connect(m, worker.o, flipped(self.o))
        m.d.comb += [
            worker.i.valid.eq(self.i.valid), worker.i.payload.eq(self.i.payload & self.i_mask),
            self.i.ready.eq(worker.i.ready), self.o_time.eq(worker.o_time), self.o_ticks.eq(restless.o),
        ]  # fmt: skip
        return m
