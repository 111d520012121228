"""One lane of the requantiser: an accumulator becomes int8, rounded in either of two ways."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .multiplier import Multiplier

HALF = 16
"""Bits of an operand's lower part: the sum of both parts still fits a multiplier."""
DROPPED = 30
"""Bits of the product that nothing of the result hangs on."""
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
        Taken :attr:`LATENCY` - 2 clocks after the value.
    i_minimum, i_maximum : signed(8), in
        ``minimum <= maximum``; taken :attr:`LATENCY` - 1 clocks after the value.
    o : signed(8), out
    """

    LATENCY = Multiplier.LATENCY + 6

    i_value: In(signed(32))
    i_bias: In(signed(32))
    i_multiplier: In(unsigned(31))
    i_shift: In(signed(6))
    i_single: In(1)
    i_zero_point: In(signed(8))
    i_minimum: In(signed(8))
    i_maximum: In(signed(8))
    o: Out(signed(8))

    def __init__(self, left_bits: int = 5):
        self._left_bits = left_bits
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """A row of registers for each step; of the first six rows a simulation has a shorter form."""
        m = Module()
        rows = self._plainly if platform is None else self._in_gates
        number, carry, beyond, overflows, negative = rows(m)

        # Row 7: a number of more than NEAR bits is beyond every limit, whatever the zero point adds to it.
        near, far, far_negative = Signal(signed(NEAR + 1)), Signal(), Signal()
        m.d.sync += [
            near.eq((Cat(1, number).as_signed() + Cat(carry, self.i_zero_point).as_signed()) >> 1),
            far.eq(overflows | beyond),
            far_negative.eq(Mux(overflows, negative, number[-1])),
        ]

        # Row 8: most of the clamp is in the bits that a byte does not have.
        byte = near[:8].as_signed()
        fits, below = Signal(), Signal()
        low, high = Signal(), Signal()
        m.d.comb += [
            fits.eq(~(far | (near[7:-1] ^ near[-1].replicate(NEAR - 7)).any())),
            below.eq(Mux(far, far_negative, near[-1])),
            low.eq(Mux(fits, less(byte, self.i_minimum), below)),
            high.eq(Mux(fits, less(self.i_maximum, byte), ~below)),
        ]
        m.d.sync += self.o.eq(Mux(low, self.i_minimum, Mux(high, self.i_maximum, byte)))
        return m

    def _in_gates(self, m: Module) -> tuple[Signal, ...]:
        """As the class says.

        What row 6 holds: ``NEAR`` bits of r, its sign the last; the bit to be added; whether r has more; an overflow
        and the sign of a.
        """
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

        # Rows 2 to 4. Three products instead of four (Karatsuba and Ofman, 1962): what halves give crosswise is the
        # product of their sums without those of the halves, which do not overlap. The product of the sums waits inside
        # its multiplier for the others.
        operand, lost = shifted_left(biased, left)
        a_low, a_high = operand[:HALF], operand[HALF:].as_signed()
        b_low, b_high = multiplier[:HALF], multiplier[HALF:]
        products = {}
        for name, a, b in (("low", a_low, b_low), ("high", a_high, b_high), ("sums", a_high + a_low, b_high + b_low)):
            m.submodules[name] = part = Multiplier(a.shape(), b.shape(), late=name == "sums")
            m.d.comb += [part.i_a.eq(a), part.i_b.eq(b)]
            products[name] = part.o
        low, high = products["low"][: 2 * HALF], products["high"][: 63 - 2 * HALF].as_signed()
        losses, overflows, negative = Signal(self._left_bits), Signal(), Signal()
        m.d.sync += [losses.eq(lost), overflows.eq(delayed(m, single, 1) & losses.any()), negative.eq(biased[-1])]
        both = Signal(signed(2 * HALF + 2), attrs={"keep": 1})  # synthesis would make gates of a sum of three
        outer = Signal(63 - HALF)
        m.d.comb += both.eq(high + low)
        m.d.sync += outer.eq(Cat(low[HALF:], high) - both)

        # Row 5: p and f.
        upper = Signal(63 - HALF)
        product = Signal(63 - DROPPED)
        m.d.comb += upper.eq(outer + products["sums"])
        m.d.sync += product.eq(upper[DROPPED - HALF :])

        # Row 6: turning bits over costs nothing beside a multiplexer.
        sign = product[-1]
        found, ones, more = shifted_right(product[:-1] ^ sign.replicate(32), delayed(m, right, 4), NEAR)
        number, carry, beyond = Signal(NEAR), Signal(), Signal()
        m.d.sync += [
            number.eq(Cat(found[1:] ^ sign.replicate(NEAR - 1), sign)),
            carry.eq((found[0] | (ones & delayed(m, shrinks, 4))) ^ sign),
            beyond.eq(more),
        ]
        return number, carry, beyond, delayed(m, overflows, 3), delayed(m, negative, 4)

    def _plainly(self, m: Module) -> tuple[Signal, ...]:
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
        later = delayed(m, r, 3)
        number, beyond = Signal(NEAR), Signal()
        m.d.comb += [
            number.eq(Cat(later[: NEAR - 1], later[-1])),
            beyond.eq(later[NEAR - 1 :] != later[-1].replicate(33 - NEAR)),
        ]
        return number, Signal(name="carry"), beyond, delayed(m, overflows, 4), delayed(m, negative, 4)


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


def shifted_right(number: Value, distance: Value, size: int) -> tuple[Value, Value, Value]:
    """The ``size`` lowest bits of ``number >> distance``, whether all bits that left below are 1; any above is.

    No step keeps more than what the steps behind it can still bring down.
    """
    ones: Value = Const(1, 1)
    above: Value = Const(0, 1)
    for n in reversed(range(len(distance))):
        far, kept = distance[n], size + (1 << n) - 1
        ones &= ~far | number[: 1 << n].all()
        above |= Mux(far, number[kept + (1 << n) :].any(), number[kept:].any())
        shifted = Cat(number[1 << n :], Const(0, 1 << n))
        number = Mux(far, shifted[:kept], number[:kept])
    return number, ones, above
