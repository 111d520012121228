"""Host layouts as Amaranth structs: the words that cross a border, in their gateware form."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from ocellus.layouts import Layout


def struct(layout: Layout) -> data.StructLayout:
    """The struct with the same fields in the same bits as ``layout``."""
    members = {}
    for f in layout.fields:
        shape = signed(f.bits) if f.signed else unsigned(f.bits)
        members[f.name] = data.ArrayLayout(shape, f.count) if f.count > 1 else shape
    return data.StructLayout(members)
