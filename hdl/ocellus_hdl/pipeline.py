"""Registers in a row that all move in the same clock, or none of them does."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream


def pipeline(m: Module, i: stream.Interface, o: stream.Interface, stages: int, stiff: bool = False) -> Value:
    """Give ``i`` and ``o`` the handshake of ``stages`` rows of registers; returns the enable of all of them.

    One beat a clock, ``stages`` clocks of latency. The rows stand still while the last of them waits for ``o.ready``;
    when ``stiff``, while ``o.ready`` is low: no gate on the way of a stall, but ``o.ready`` must not wait for
    ``o.valid``. The caller drives ``o.payload`` from the last row.
    """
    advance = Signal()
    m.d.comb += [
        advance.eq(o.ready if stiff else ~o.valid | o.ready),
        i.ready.eq(advance),
        o.valid.eq(delayed(m, advance, i.valid, stages)),
    ]
    return advance


def delayed(m: Module, advance: Value, value: Any, rows: int, shape: Any = None) -> Any:
    """Return ``value`` as it comes out of ``rows`` rows of registers that move with ``advance``.

    ``shape`` is the shape of a struct or array; a plain value has its own.
    """
    for _ in range(rows):
        row = Signal(Value.cast(value).shape() if shape is None else shape)
        with m.If(advance):
            m.d.sync += row.eq(value)
        value = row
    return value
