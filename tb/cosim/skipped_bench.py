"""A cocotb module whose only test is skipped; test_cosim.py expects that not to pass for a success."""

import cocotb


@cocotb.test(skip=True)
async def is_skipped(dut) -> None:
    """Nothing runs."""
