"""A camera that gets power, and to which nobody says anything."""

from typing import Any

import cocotb

from ocellus import networks
from tb.boards.pins import Pins
from tb.boards.sizes import settings
from tb.boards.witness import Witness


@cocotb.test()
async def records_leave_the_pin_of_a_camera_that_nobody_writes_to(dut: Any) -> None:
    """From the first frame on, and all of them."""
    pins = Pins(dut)
    frame = pins.bench.arguments["frame"]
    file = networks.default()
    witness = Witness(settings(frame), frame, [file.network])
    wanted, looked = pins.bench.parameters["records"], 0
    while len(witness.records) < wanted:
        assert pins.bench.cycle < (wanted + 1) * frame.clocks_per_frame, "too few records"
        pins.rest()
        witness.feed(bytes(pins.heard[looked:]))
        looked = len(pins.heard)
    assert [record.frame_counter for record in witness.records] == list(range(wanted))
    assert any(record.objects for record in witness.records), "no frame shows an object: the test shows nothing"
    for record in witness.records:
        print(record.named(file.class_names))
