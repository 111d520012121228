"""The registers on the gateware."""

from ocellus_sim.cosim import simulate


def test_registers_do_what_the_page_says():
    simulate("ocellus_hdl.control:Control", {}, test_module="tb.control.control_bench")
