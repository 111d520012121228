"""One lane of the requantiser: an accumulator becomes int8, rounded in either of two ways."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .multiplier import Multiplier

HALF = 18
"""Bits of an operand's lower part: all that a multiplier takes."""
NEAR = 10
"""Bits of a number that a zero point may bring into a byte's range, and one more."""


class RequantiserLane(wiring.Component):
    """``clamp(zero_point + r, minimum, maximum)``; one a clock, :attr:`LATENCY` clocks, no backpressure.

    With ``a = value + bias`` modulo 2^32 and ``e = shift``, r is in

    - double rounding: ``RDBPOT(SRDHM(a << max(e, 0), multiplier), max(-e, 0))``, the left shift modulo 2^32;
    - single rounding: ``(a * multiplier + 2^(30-e)) >> (31-e)``, at e = 31 without the addend.

    One product, one shift and one sum serve both. Let P be the product of ``a << max(e, 0)`` and the multiplier, ``p
    = P >> 31`` and f the bit below p. ``SRDHM`` is ``p + f`` for either sign; without a right shift that is r. A
    right shift by n leaves ``p >> n`` and brings out n + 1 bits: b, the half, then the rest of p, and f. Single
    rounding adds b. Double rounding adds b to ``p + f``, for negative numbers only where more than a half was lost:
    as if 1, or -1, were added behind the last bit. With all bits turned over where P is negative the two signs have
    one rule: add b, or 1 where all bits behind b are 1. (If f brings p from -1 to 0, r is 0 either way.) What is to
    be added is the carry of the zero point's addition.

    In single rounding a left shift that leaves 32 bits forces the clamp by the sign of a: exact for a multiplier of
    2^10 or more. Multipliers made by ``frexp`` are 2^30 or more.

    Parameters
    ----------
    left_bits : int
        Of the left shift, 0 to 5: e reaches ``2^left_bits - 1``. Each saves about 20 LUT4.

    Attributes
    ----------
    i_value, i_bias : signed(32), in
        Go into an adder at once: they want to come from registers.
    i_multiplier : unsigned(31), in
    i_shift : signed(6), in
        e, -31 and up.
    i_single : unsigned(1), in
        Which rounding; goes with the value.
    i_zero_point : signed(8), in
        Taken :attr:`LATENCY` - 3 clocks after the value. 0 for the sake of ``o_raw``.
    i_minimum, i_maximum : signed(8), in
        ``minimum <= maximum``; taken :attr:`LATENCY` - 2 clocks after the value.
    o : signed(8), out
    o_raw : signed(32), out
        ``zero_point + r`` modulo 2^32 without the clamp; in single rounding for ``a << e`` of 32 bits. All bits of the
        rounding, for tests: the engine leaves it open, and synthesis leaves it out.
    """

    LATENCY = Multiplier.LATENCY + 7

    i_value: In(signed(32))
    i_bias: In(signed(32))
    i_multiplier: In(unsigned(31))
    i_shift: In(signed(6))
    i_single: In(1)
    i_zero_point: In(signed(8))
    i_minimum: In(signed(8))
    i_maximum: In(signed(8))
    o: Out(signed(8))
    o_raw: Out(signed(32))

    def __init__(self, left_bits: int = 5):
        self._left_bits = left_bits
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """A row of registers for each step; of the first six rows a simulation has a shorter form."""
        m = Module()
        rows = self._plainly if platform is None else self._in_gates
        shifted, overflows, negative = rows(m)

        # Row 7: a number of more than NEAR bits is beyond every limit, whatever the zero point adds to it.
        number, sign = shifted[1:].as_signed(), shifted[-1]
        near, far, far_negative = Signal(signed(NEAR + 1)), Signal(), Signal()
        m.d.sync += [
            near.eq((Cat(1, number[:NEAR]).as_signed() + Cat(shifted[0], self.i_zero_point).as_signed()) >> 1),
            far.eq(overflows | (number[NEAR - 1 : -1] ^ sign.replicate(32 - NEAR)).any()),
            far_negative.eq(Mux(overflows, negative, sign)),
        ]

        # Row 8, and row 9: most of the clamp is in the bits that a byte does not have.
        byte = near[:8].as_signed()
        fits, below = Signal(), Signal()
        low, high = Signal(), Signal()
        m.d.comb += [
            fits.eq(~(far | (near[7:-1] ^ near[-1].replicate(NEAR - 7)).any())),
            below.eq(Mux(far, far_negative, near[-1])),
            low.eq(Mux(fits, less(byte, self.i_minimum), below)),
            high.eq(Mux(fits, less(self.i_maximum, byte), ~below)),
        ]
        clamps, limit, within = Signal(), Signal(signed(8)), Signal(signed(8))
        m.d.sync += [
            clamps.eq(low | high), limit.eq(Mux(low, self.i_minimum, self.i_maximum)), within.eq(byte),
            self.o.eq(Mux(clamps, limit, within)),
        ]  # fmt: skip

        raw = Signal.like(self.o_raw)
        m.d.sync += [raw.eq(number + self.i_zero_point + shifted[0]), self.o_raw.eq(delayed(m, raw, 1))]
        return m

    def _in_gates(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """As the class says. What row 6 holds: r with the bit to be added behind it, an overflow and the sign of a."""
        # Row 1. The shift as gates: a negation by five bits of carry chain would be larger.
        biased = Signal(signed(32))
        multiplier = Signal(31)
        left = Signal(self._left_bits)
        right = Signal(5)
        shrinks = Signal()
        single = Signal()
        e = self.i_shift
        negated = Cat(e[n] ^ (e[:n].any() if n else 0) for n in range(5))
        m.d.sync += [
            biased.eq(self.i_value + self.i_bias),
            multiplier.eq(self.i_multiplier),
            left.eq(Mux(e[-1], 0, e[:5])),
            right.eq(Mux(e[-1], negated, 0)),
            shrinks.eq(e[-1] & ~self.i_single),
            single.eq(self.i_single),
        ]

        # Rows 2 to 4, products of halves. Low and high do not overlap; inside their multipliers they wait for the
        # others' sum.
        operand, lost = shifted_left(biased, left)
        products = {}
        for name, a, b in (
            ("low", operand[:HALF], multiplier[:HALF]),
            ("middle_a", operand[HALF:].as_signed(), multiplier[:HALF]),
            ("middle_b", operand[:HALF], multiplier[HALF:]),
            ("high", operand[HALF:].as_signed(), multiplier[HALF:]),
        ):
            m.submodules[name] = part = Multiplier(a.shape(), b.shape(), late=name in ("low", "high"))
            m.d.comb += [part.i_a.eq(a), part.i_b.eq(b)]
            products[name] = part.o
        losses, overflows, negative = Signal(self._left_bits), Signal(), Signal()
        m.d.sync += [losses.eq(lost), overflows.eq(delayed(m, single, 1) & losses.any()), negative.eq(biased[-1])]
        middle = Signal(signed(33))
        m.d.sync += middle.eq(products["middle_a"][:32].as_signed() + products["middle_b"][:31])

        # Row 5: p and f, the product without its 30 lowest bits.
        upper = Signal(signed(45))
        product = Signal(33)
        m.d.comb += upper.eq(Cat(products["low"][HALF:], products["high"][:27]).as_signed() + middle)
        m.d.sync += product.eq(upper[30 - HALF :])

        # Row 6: turning bits over costs nothing beside a multiplexer.
        below = product[-1].replicate(33)
        number, ones = shifted_right(product ^ below, delayed(m, right, 4))
        carry = number[0] | (ones & delayed(m, shrinks, 4))
        shifted = Signal(33)
        m.d.sync += shifted.eq(Cat(carry, number[1:]) ^ below)
        return shifted, delayed(m, overflows, 3), delayed(m, negative, 4)

    def _plainly(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """The same from the definition, in few wide operations: less work for a simulator."""
        biased = Signal(signed(32))
        multiplier = Signal(31)
        left = Signal(self._left_bits)
        right = Signal(5)
        single = Signal()
        m.d.sync += [
            biased.eq(self.i_value + self.i_bias),
            multiplier.eq(self.i_multiplier),
            left.eq(Mux(self.i_shift < 0, 0, self.i_shift)),
            right.eq(Mux(self.i_shift < 0, -self.i_shift, 0)),
            single.eq(self.i_single),
        ]
        wide = Signal(signed(64))
        operand = Signal(signed(32))
        product = Signal(signed(64))
        overflows = Signal()
        negative = Signal()
        m.d.comb += [wide.eq(biased << left), operand.eq(wide)]
        m.d.sync += [
            product.eq(operand * multiplier),
            overflows.eq(single & (wide != operand)),
            negative.eq(biased[-1]),
        ]

        distance, once = delayed(m, right, 1), delayed(m, single, 1)
        near = Signal(signed(33))
        half = Signal(32)
        r = Signal(signed(32))
        m.d.comb += [
            near.eq((product >> 31) + (product[30] & (~once | (distance == 0)))),
            half.eq((Const(1, 33) << distance)[1:]),
        ]
        m.d.sync += r.eq((near + half - (near[-1] & ~once & (distance != 0))) >> distance)
        shifted = Signal(33)
        m.d.comb += shifted.eq(Cat(Const(0, 1), delayed(m, r, 3)))
        return shifted, delayed(m, overflows, 4), delayed(m, negative, 4)


def delayed(m: Module, signal: Signal, clocks: int) -> Signal:
    """``signal`` as it was so many clocks ago."""
    for n in range(clocks):
        after = Signal.like(signal, name=f"{signal.name}_{n}")
        m.d.sync += after.eq(signal)
        signal = after
    return signal


def less(a: Value, b: Value) -> Value:
    """``a < b`` for two signed numbers, as gates: for eight bits a carry chain's way in and out takes longer."""
    below: Value = Const(0, 1)
    for n in range(len(a) - 1):
        below = Mux(a[n] ^ b[n], b[n], below)
    return Mux(a[-1] ^ b[-1], a[-1], below)


def shifted_left(number: Value, distance: Value) -> tuple[Value, Value]:
    """``number << distance`` of as many bits, and in whose steps that lost any: another sign, or bits unlike it."""
    number = number.as_unsigned()
    lost = []
    for n in reversed(range(len(distance))):
        above = number[-1 - (1 << n) : -1]
        lost.append(distance[n] & (above ^ number[-1].replicate(1 << n)).any())
        number = Mux(distance[n], Cat(Const(0, 1 << n), number)[: len(number)], number)
    return number, Cat(lost)


def shifted_right(number: Value, distance: Value) -> tuple[Value, Value]:
    """``number >> distance`` with zeros from above, and whether all bits that left are 1."""
    ones: Value = Const(1, 1)
    for n in reversed(range(len(distance))):
        ones &= ~distance[n] | number[: 1 << n].all()
        number = Mux(distance[n], Cat(number[1 << n :], Const(0, 1 << n)), number)
    return number, ones
