"""The clock's gate: registers have first values from the bitstream, so a clock that waits takes a reset's place."""

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class Gate(wiring.Component):
    """``DCCA``, the cell at the root of a clock's tree (Lattice FPGA-TN-02200, dynamic clock control).

    A reset would be a wire to each register of the chip. The clock's tree goes there anyway.

    Attributes
    ----------
    i : 1, in
        A clock.
    i_enable : 1, in
        Whether it goes on, from no clock at all; it counts three clocks later. Not at power-on.
    o : 1, out
        The clock, whole periods of it alone.
    """

    i: In(1)
    i_enable: In(1)
    o: Out(1)

    def elaborate(self, platform: object) -> Module:
        """What is asked for goes with the clock before it gets to the cell."""
        m = Module()
        m.domains.free = ClockDomain(reset_less=True, local=True)
        enable = Signal()
        m.d.comb += ClockSignal("free").eq(self.i)
        m.submodules.synchroniser = FFSynchronizer(self.i_enable, enable, o_domain="free")
        m.submodules.cell = Instance("DCCA", i_CLKI=self.i, i_CE=enable, o_CLKO=self.o)
        return m
