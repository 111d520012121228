"""A loop's turns, counted down."""

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike


class Countdown:
    """Turns that are left, the present one included; whether it is the last comes from a register.

    What a walk does in a clock hangs on which of its loops end: comparisons in front of that would be its longest way.

    Parameters
    ----------
    m : Module
        Where the registers go; the methods apply in the ``m.If`` that they are called in.
    bits : int
    name : str

    Attributes
    ----------
    left : unsigned(bits)
    last : unsigned(1)
    """

    def __init__(self, m: Module, bits: int, name: str):
        self._m = m
        self.left = Signal(bits, name=f"{name}_left")
        self.last = Signal(name=f"{name}_last")

    def begin(self, turns: ValueLike) -> None:
        """The first of ``turns``, at least one."""
        self._m.d.sync += [self.left.eq(turns), self.last.eq(turns == 1)]

    def last_after(self, turns: ValueLike) -> Value:
        """Whether the turn behind this one is the last, when the loop then begins again with ``turns``."""
        return Mux(self.last, turns == 1, self.left == 2)

    def step(self) -> None:
        """The next turn."""
        self._m.d.sync += [self.left.eq(self.left - 1), self.last.eq(self.left == 2)]
