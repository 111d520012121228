"""A design of adjustable weight to measure the clock loop with."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Pipeline(wiring.Component):
    """One register stage; behind it ``macs`` multiply-accumulates that change with every beat and colour its result.

    Parameters
    ----------
    macs
        None: the beats pass unchanged.
    """

    i: In(stream.Signature(40))
    o: Out(stream.Signature(40))

    def __init__(self, macs: int) -> None:
        self.macs = macs
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Sums beside the register, folded into one word."""
        m = Module()
        factors = [self.i.payload[at : at + 10] for at in range(0, 40, 10)]
        sums = [Signal(24, name=f"sum{k}") for k in range(self.macs)]
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            m.d.sync += [total.eq(total + factors[0] * factors[1 + k % 3] + k) for k, total in enumerate(sums)]
            # A tree: a chain of hundreds is too deep for Python's recursion.
            while len(sums) > 1:
                sums = [a ^ b for a, b in zip(sums[::2], sums[1::2], strict=False)] + sums[len(sums) & ~1 :]
            m.d.sync += self.o.payload.eq(self.i.payload ^ sums[0] if sums else self.i.payload)
        return m
