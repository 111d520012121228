"""Two exact int8 products that share a factor, out of one 18 x 18 multiplier."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .multiplier import Multiplier

PLAIN = 6
"""Bits of the lower factor that the multiplier sees; the two above them go another way."""
GAP = 10
"""Bits from the lower factor to the upper one, whose 8 bits then fill the multiplier's 18."""
OVERLAP = 4
"""Bits of the lower product, 14 with its sign, that lie under the upper one."""


class PairMultiplier(wiring.Component):
    """``o_0 = i_v * i_0`` and ``o_1 = i_v * i_1``, exact for every int8; one pair a clock, :attr:`LATENCY` clocks.

    Packed, one multiplier forms ``P = (2^10 u_1 + x) v``, where ``u_0 = 64 d + x``, x in 0 to 63 and d in -2 to 1 (its
    two upper bits). ``x v`` reaches 4 bits into the other product. Those bits of ``u_1 v`` depend on as many bits of
    each factor, so small logic knows them beforehand; less 8, they come off ``P >> 10``. What is left there is the rest
    of ``u_1 v`` above, and below, raised by 8 and therefore without a borrow, the top of ``x v``. Adding ``64 d v``
    makes that ``u_0 v``. The more bits x has, the larger the overlap; d with a third bit would need ``3 v``.

    Parameters
    ----------
    packed : bool
        Whether hardware shares the multiplier. What is elaborated for no platform, a simulation, multiplies twice in
        any case: the same numbers at the same time for less work.

    Attributes
    ----------
    i_0, i_1, i_v : signed(8), in
    o_0, o_1 : signed(16), out
    """

    LATENCY = Multiplier.LATENCY + 1

    i_0: In(signed(8))
    i_1: In(signed(8))
    i_v: In(signed(8))
    o_0: Out(signed(16))
    o_1: Out(signed(16))

    def __init__(self, packed: bool = True):
        self._packed = packed
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Registers in front of the multiplier, behind it, and behind what takes the products apart."""
        m = Module()
        if not self._packed or platform is None:
            for name, factor, product in (("0", self.i_0, self.o_0), ("1", self.i_1, self.o_1)):
                m.submodules[f"multiplier_{name}"] = multiplier = Multiplier(signed(8), signed(8))
                m.d.comb += [multiplier.i_a.eq(factor), multiplier.i_b.eq(self.i_v)]
                m.d.sync += product.eq(multiplier.o)
            return m

        m.submodules.multiplier = multiplier = Multiplier(signed(18), signed(8))
        m.d.comb += [
            multiplier.i_a.eq(Cat(self.i_0[:PLAIN], Const(0, GAP - PLAIN), self.i_1)),
            multiplier.i_b.eq(self.i_v),
        ]

        # Beside the multiplier's two rows of registers: what will be needed when the product is there. A negative digit
        # adds the complement, and its sign as the carry. The 8 that raised the top of the lower product goes here too,
        # as 128: its bits of the sum are gates of four inputs whatever is added to them.
        factor = Signal(OVERLAP)
        v = Signal(signed(8))
        digit = Signal(signed(2))
        known = Signal(OVERLAP)
        multiple = Signal(signed(10))
        rest = Signal(10, init=-128 % (1 << 10))
        carry = Signal()
        b = multiple[7:]
        m.d.comb += multiple.eq(Mux(digit[1], ~Mux(digit[0], v, v << 1), Mux(digit[0], v, 0)))
        m.d.sync += [
            factor.eq(self.i_1),
            v.eq(self.i_v),
            digit.eq(self.i_0[PLAIN:]),
            known.eq(low_product(factor, v[:OVERLAP])),
            rest.eq(Cat(multiple[:7], ~b[0], ~(b[0] ^ b[1]), ~(b[0] | b[1]) ^ b[2])),
            carry.eq(digit[1]),
        ]

        upper = Signal(signed(16))
        lower = Signal(GAP + OVERLAP)
        less_8 = Cat(known[:-1], ~known[-1]).as_signed()
        m.d.comb += [
            upper.eq(multiplier.o[GAP : GAP + 16].as_signed() - less_8),
            lower.eq(Cat(multiplier.o[:GAP], upper[:OVERLAP])),
        ]
        m.d.sync += [
            self.o_1.eq(Cat(known, upper[OVERLAP:])),
            self.o_0.eq(Cat(lower[:PLAIN], (lower[PLAIN:] + rest + carry)[:10])),
        ]
        return m


def low_product(a: Value, b: Value) -> Value:
    """``a * b`` modulo 2^n for two numbers of n bits, as gates: carry chains would take more room for so few bits."""
    columns: list[list[Value]] = [[a[i] & b[n - i] for i in range(n + 1)] for n in range(len(a))]
    for column, above in zip(columns, [*columns[1:], []], strict=True):
        while len(column) > 1:
            x, y = column.pop(0), column.pop(0)
            column.append(x ^ y)
            above.append(x & y)
    return Cat(*(column[0] for column in columns))
