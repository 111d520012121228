"""One hardware multiplier of 18 x 18 bits, with the registers that are inside it."""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Shape, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.vendor import LatticePlatform

WIDTH = 18


class Multiplier(wiring.Component):
    """``i_a * i_b``, one product a clock, :attr:`LATENCY` clocks (one more if ``late``), no backpressure.

    Synthesis infers the cell from a product but leaves its registers in the fabric, at the cost of flip-flops and of
    more than half the speed. So on an ECP5 this is the cell itself, MULT18X18D of Lattice's FPGA-TN-02205 ("ECP5 and
    ECP5-5G sysDSP Usage Guide"), operands and product registered; elsewhere a product between two rows of registers.

    Parameters
    ----------
    a, b : Shape
        Of the operands, at most 18 bits, each signed or not; :class:`ValueError` else.
    late : bool
        Use the third row of registers too, in the middle of the multiplier: a delay that costs nothing outside it.

    Attributes
    ----------
    i_a, i_b : a, b, in
    o : signed(36), out
        The product modulo 2^36: two operands without a sign can fill all bits.
    """

    LATENCY = 2

    def __init__(self, a: Shape, b: Shape, late: bool = False):
        for name, shape in (("a", a), ("b", b)):
            if shape.width > WIDTH:
                raise ValueError(f"multiplier: operand {name} has {shape.width} bits; at most {WIDTH} are allowed")
        self._a, self._b, self._late = a, b, late
        super().__init__({"i_a": In(a), "i_b": In(b), "o": Out(signed(2 * WIDTH))})

    def elaborate(self, platform: object) -> Module:
        """The cell, or what it does."""
        m = Module()
        if not (isinstance(platform, LatticePlatform) and platform.family == "ecp5"):
            a = Signal(self._a)
            b = Signal(self._b)
            product = Signal.like(self.o)
            m.d["sync" if self._late else "comb"] += product.eq(a * b)
            m.d.sync += [a.eq(self.i_a), b.eq(self.i_b), self.o.eq(product)]
            return m

        # A narrow operand is extended by its own sign. The registers are never held and never reset.
        a = Signal(Shape(WIDTH, signed=self._a.signed))
        b = Signal(Shape(WIDTH, signed=self._b.signed))
        m.d.comb += [a.eq(self.i_a), b.eq(self.i_b)]
        rows = ["INPUTA", "INPUTB", "OUTPUT", *(["PIPELINE"] if self._late else [])]
        m.submodules.cell = Instance(
            "MULT18X18D",
            *(("p", f"REG_{row}_CLK", "CLK0") for row in rows),
            ("p", "GSR", "DISABLED"),
            ("i", "CLK0", ClockSignal()),
            ("i", "CE0", Const(1, 1)),
            ("i", "RST0", Const(0, 1)),
            ("i", "SIGNEDA", Const(self._a.signed, 1)),
            ("i", "SIGNEDB", Const(self._b.signed, 1)),
            ("i", "SOURCEA", Const(0, 1)),
            ("i", "SOURCEB", Const(0, 1)),
            *(("i", f"A{n}", a[n]) for n in range(WIDTH)),
            *(("i", f"B{n}", b[n]) for n in range(WIDTH)),
            *(("o", f"P{n}", self.o[n]) for n in range(2 * WIDTH)),
        )
        return m
