"""The metadata stage on the gateware."""

from ocellus_sim.cosim import simulate


def test_records_equal_the_golden_model():
    simulate("ocellus_hdl.metadata:Metadata", {}, test_module="tb.metadata.metadata_bench")
