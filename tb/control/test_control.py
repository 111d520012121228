# amaranth: UnusedElaboratable=no
"""The registers on the gateware."""

import pytest

from ocellus_hdl.control import Control
from ocellus_sim.cosim import simulate


def test_registers_do_what_the_page_says():
    simulate("tb.control.counting:Counting", {}, test_module="tb.control.control_bench")


@pytest.mark.parametrize("layers", [-1, 65])
def test_more_layers_than_have_addresses_are_refused(layers):
    with pytest.raises(ValueError, match=f"found {layers} layers with counts, allowed 0 to 64"):
        Control(layers)
