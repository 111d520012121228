"""The slowest paths of a netlist whose delays are known: from clock to setup, and none but a clock's own."""

from pathlib import Path

import pytest

from scripts.boards.paths import slowest
from scripts.ecp5 import described

from .delays import CLOCKS, SDF


@pytest.fixture
def sdf(tmp_path: Path) -> Path:
    path = tmp_path / "top.sdf"
    path.write_text(SDF)
    return path


def test_the_three_slowest_paths_end_in_three_registers_and_are_told_by_the_sources_names(sdf: Path):
    found = slowest(sdf, CLOCKS)["$glbnet$camera.clk"]
    assert [round(1000 * sum(step["delay"] for step in path)) for path in found] == [9000, 4370, 4080]
    assert [described(path) for path in found] == [
        "`camera.store.0.0` to `camera.store.0.0`: 6.0 ns in 0 gates, 3.0 ns on wires",
        "`camera.product` to `camera.far`: 2.9 ns in 0 gates, 1.5 ns on wires",
        "`camera.far` to `camera.total`: 1.0 ns in 2 gates, 3.1 ns on wires",
    ]


def test_each_clock_has_its_own_paths_and_none_begins_or_ends_at_a_pin_a_constant_or_another_clock(sdf: Path):
    (path,) = slowest(sdf, CLOCKS)["gate.free_clk"]
    assert [step["type"] for step in path] == ["clk-to-q", "routing", "setup"]
    assert described(path) == "`gate.stage0` to `gate.stage1`: 0.5 ns in 0 gates, 0.3 ns on wires"


def test_a_memory_of_gates_ends_a_path_and_a_clock_that_no_register_has_is_left_out(tmp_path: Path):
    faster = tmp_path / "top.sdf"
    faster.write_text("\n".join(line for line in SDF.splitlines() if "camera.far_TRELLIS_FF_Q/CE" not in line))
    found = slowest(faster, {"clk": "camera.far_TRELLIS_FF_Q", "none": "rx.buf.buf0"})
    assert [*found] == ["clk"]
    assert described(found["clk"][2]) == "`camera.total` to `camera.few.0.1`: 0.9 ns in 1 gates, 0.6 ns on wires"
