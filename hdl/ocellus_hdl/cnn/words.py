"""The words that pass between the parts of the accelerator."""

from amaranth.hdl import ShapeLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from ocellus.configurations import Configuration
from ocellus.formats import CNN_STATUS, IMAGE_HEADER, LAYER, PARAMETER, TENSOR_BYTE

from ..layouts import struct

ADDRESS_BITS = 24

ENTRY = struct(PARAMETER)
HEADER = struct(IMAGE_HEADER)
LAYER_WORD = struct(LAYER)
STATUS = struct(CNN_STATUS)
TENSOR = struct(TENSOR_BYTE)


def flow(shape: ShapeLike) -> wiring.Signature:
    """A stream whose taker is always ready: ``payload`` counts in the clocks in which ``valid`` is set."""
    return wiring.Signature({"valid": Out(1), "payload": Out(shape)})


def outcomes(c: Configuration) -> int:
    """Accumulators that a group of outputs fills at most."""
    return max(c.columns, c.lanes)


def reading(c: Configuration) -> data.StructLayout:
    """A read of ``lanes`` neighbouring bytes, of which lanes ``first`` to ``end - 1`` lie inside the picture."""
    return data.StructLayout({"address": ADDRESS_BITS, "first": range(c.lanes + 1), "end": range(c.lanes + 1)})


def writing(c: Configuration) -> data.StructLayout:
    """A write of up to ``requantisers`` neighbouring bytes; byte n goes to ``address + n`` where ``mask[n]``."""
    return data.StructLayout(
        {"address": ADDRESS_BITS, "mask": c.requantisers, "data": data.ArrayLayout(8, c.requantisers)}
    )


def tap(c: Configuration) -> data.StructLayout:
    """A write and the layer that caused it."""
    return data.StructLayout({**{name: field.shape for name, field in writing(c)}, "layer": 8})


def window(c: Configuration) -> data.ArrayLayout:
    """``lanes`` neighbouring activations."""
    return data.ArrayLayout(signed(8), c.lanes)


def weight_word(c: Configuration) -> data.ArrayLayout:
    """The weights of one step: ``columns`` times ``lanes``."""
    return data.ArrayLayout(data.ArrayLayout(signed(8), c.lanes), c.columns)


def step(c: Configuration) -> data.StructLayout:
    """What the array does with one window.

    ``first`` and ``last`` bound a group of outputs, ``count`` is the number of outputs the group has, ``fresh`` marks
    the first group of a pixel, ``inside`` a tap within the picture, ``column`` the column of the weight word that a
    depthwise tap takes, ``second`` the second operand of an addition.
    """
    return data.StructLayout(
        {
            "first": 1,
            "last": 1,
            "fresh": 1,
            "inside": 1,
            "second": 1,
            "column": range(c.columns),
            "count": range(outcomes(c) + 1),
        }
    )


def outcome(c: Configuration) -> data.StructLayout:
    """A finished group: ``count`` accumulators, and the number of taps that lay inside the picture."""
    return data.StructLayout(
        {
            "value": data.ArrayLayout(signed(32), outcomes(c)),
            "taps": 16,
            "count": range(outcomes(c) + 1),
            "fresh": 1,
        }
    )


def beat(c: Configuration) -> data.StructLayout:
    """Up to ``requantisers`` neighbouring outputs of a group, the first ``count`` of them real."""
    return data.StructLayout(
        {"value": data.ArrayLayout(signed(32), c.requantisers), "count": range(c.requantisers + 1)}
    )


def entries(c: Configuration) -> data.ArrayLayout:
    """The parameters of one beat."""
    return data.ArrayLayout(ENTRY, c.requantisers)


def results(c: Configuration) -> data.StructLayout:
    """Up to ``requantisers`` finished bytes, the first ``count`` of them real."""
    return data.StructLayout({"value": data.ArrayLayout(signed(8), c.requantisers), "count": range(c.requantisers + 1)})
