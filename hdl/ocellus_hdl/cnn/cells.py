"""Structures of the ECP5 that synthesis does not find by itself; anywhere else, the same as plain logic.

A slice joins two LUT4s by a multiplexer, and its carry cell adds what gates of four inputs make of the operands (the
cells are described in Yosys's ``cells_sim_ecp5.v`` and ``ccu2c_sim.vh``). And a wire that leads to a thousand gates or
clock enables is slower than the gates: hardware has a register for every few hundred of them, and what only passes by
is not enabled.
"""

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value, ValueLike
from amaranth.vendor import LatticePlatform


def is_ecp5(platform: object) -> bool:
    """Whether the cells are there."""
    return isinstance(platform, LatticePlatform) and platform.family == "ecp5"


def passing(platform: object, enable: Value) -> Value:
    """The enable of registers whose contents count only in the clock after: it saves a simulation work."""
    return enable if platform is None else Const(1, 1)


def copies(m: Module, platform: object, value: ValueLike, count: int, name: str) -> list[Value]:
    """``value`` a clock later, ``count`` times, in registers that synthesis does not merge. They are never reset."""
    value = Value.cast(value)
    kept = []
    for k in range(count if is_ecp5(platform) else 1):
        copy = Signal(len(value), name=f"{name}_{k}", reset_less=True)
        kept.append(copy)
        if not is_ecp5(platform):
            m.d.sync += copy.eq(value)
            continue
        for n in range(len(value)):
            m.submodules += Instance(
                "TRELLIS_FF",
                ("a", "keep", 1),
                ("p", "GSR", "DISABLED"),
                ("p", "CEMUX", "1"),
                ("p", "CLKMUX", "CLK"),
                ("p", "LSRMUX", "LSR"),
                ("p", "REGSET", "RESET"),
                ("p", "SRMODE", "LSR_OVER_CE"),
                ("i", "CLK", ClockSignal()),
                ("i", "LSR", Const(0, 1)),
                ("i", "DI", value[n]),
                ("o", "Q", copy[n]),
            )
    return [kept[k % len(kept)] for k in range(count)]


def one_of(choice: Value, values: Sequence[ValueLike]) -> Value:
    """The value whose bit of ``choice`` is set, of which one is: in gates of four inputs two bits at once."""
    cast = [Value.cast(value) for value in values]
    width = max(len(value) for value in cast)
    picked = [value[:width] & choice[n].replicate(len(value)) for n, value in enumerate(cast)]
    result: Value = picked[0]
    for value in picked[1:]:
        result = result | value
    return result


def table(function: Callable[[bool, bool, bool, bool], bool]) -> Const:
    """The contents of a LUT4 for a function of its inputs A to D."""
    inputs = [[bool(n >> k & 1) for k in range(4)] for n in range(16)]
    return Const(sum(bool(function(*abcd)) << n for n, abcd in enumerate(inputs)), 16)


CHOICE_OF_TWO = table(lambda a, b, c, d: b if c else a)
ADD_WHERE_KEPT = table(lambda a, b, c, d: a ^ (c and d))
"""Where it is false the operands are equal, and the carry that the cell then generates from A alone is right."""


def choice_of_four(m: Module, platform: object, items: Sequence[ValueLike], choice: Value, name: str) -> Value:
    """Item ``choice`` of four: two LUT4s a bit, where synthesis takes three."""
    values = [Value.cast(item) for item in items]
    if not is_ecp5(platform):
        return Mux(choice[1], Mux(choice[0], values[3], values[2]), Mux(choice[0], values[1], values[0]))
    chosen = Signal(len(values[0]), name=name)
    for n in range(len(chosen)):
        halves = []
        for half in range(2):
            halves.append(Signal(name=f"{name}_{n}_{half}"))
            m.submodules += Instance(
                "LUT4",
                ("p", "INIT", CHOICE_OF_TWO),
                ("i", "A", values[2 * half][n]),
                ("i", "B", values[2 * half + 1][n]),
                ("i", "C", choice[0]),
                ("i", "D", Const(0, 1)),
                ("o", "Z", halves[half]),
            )
        m.submodules += Instance(
            "PFUMX",
            ("i", "BLUT", halves[0]),
            ("i", "ALUT", halves[1]),
            ("i", "C0", choice[1]),
            ("o", "Z", chosen[n]),
        )
    return chosen


def kept_plus(m: Module, platform: object, total: Value, keeps: Value, addend: Value, name: str) -> Value:
    """``(total if keeps else 0) + addend`` modulo the width of ``total``, which is even: carry cells and no LUT4s."""
    width = len(total)
    if not is_ecp5(platform):
        return (Mux(keeps, total, 0) + addend)[:width]
    extended = Signal(total.shape(), name=f"{name}_addend")
    m.d.comb += extended.eq(addend)
    sums = Signal(width, name=name)
    carry: Value = Const(0, 1)
    for n in range(0, width, 2):
        after = Signal(name=f"{name}_carry_{n}")
        operands = [
            (kind, f"{pin}{k}", value)
            for k in range(2)
            for kind, pin, value in (
                ("p", "INIT", ADD_WHERE_KEPT),
                ("i", "A", extended[n + k]),
                ("i", "B", Const(0, 1)),
                ("i", "C", total[n + k]),
                ("i", "D", keeps),
                ("o", "S", sums[n + k]),
            )
        ]
        m.submodules += Instance(
            "CCU2C",
            ("p", "INJECT1_0", "NO"),
            ("p", "INJECT1_1", "NO"),
            ("i", "CIN", carry),
            ("o", "COUT", after),
            *operands,
        )
        carry = after
    return Cat(sums)
