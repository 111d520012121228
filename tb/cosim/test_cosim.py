"""The co-simulation itself: streams, ports, time, failures and the store of builds."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocellus_sim.cosim import SimulationFailed, build, simulate
from ocellus_sim.cosim.content import canonical
from ocellus_sim.cosim.process import judge
from ocellus_sim.cosim.toolchain import ToolError

ADDER = "tb.cosim.adder:QueuedAdder"
BENCH = "tb.cosim.adder_bench"
FAULTY = "tb.cosim.faulty_bench"


@pytest.mark.parametrize("testcase", ["every_beat_arrives_once_in_order", "ports_are_set_read_and_watched"])
def test_payloads_of_every_width(testcase):
    widths = (7, 16, 32, 64, 65, 161)
    simulate("tb.cosim.adder:ManyAdders", {"widths": widths}, test_module=BENCH, testcase=testcase)


@pytest.mark.parametrize(
    "testcase",
    [
        "stalls_follow_their_published_sequence",
        "a_full_sink_waits_and_loses_nothing",
        "a_tap_without_room_is_an_error",
        "reset_offers_a_held_beat_again",
        "wrong_use_is_refused",
        "timers_and_bursts_share_one_time",
        "a_million_clocks_are_one_call",
    ],
)
def test_the_bench(testcase):
    simulate(ADDER, {"width": 16}, test_module=BENCH, testcase=testcase)


def test_waves_are_written_in_their_window():
    run = simulate(ADDER, {"width": 16}, test_module=BENCH, testcase="waves_are_written_in_their_window", waves=True)
    begin, end = map(int, (run / "window.txt").read_text().split())
    vcd = (run / "window.vcd").read_text()
    times = [int(line[1:]) for line in vcd.splitlines() if line.startswith("#")]
    assert (times[0], times[-1]) == (begin, end)
    assert len(times) == 21
    assert "entry0" in vcd, "signals inside the design are traced too"


@pytest.mark.parametrize(
    ("testcase", "says"),
    [
        ("finds_a_difference", "the level is not one"),
        ("takes_too_long", "SimTimeoutError"),
        ("dies", "died of SIGABRT"),
        ("breaks_the_designs_assertion", "(?s)a beat equals the limit.*stopped the simulation at clock 8"),
        ("writes_through_cocotb", "marked read-only.*i_addend"),
        ("is_not_there", "no test ran"),
    ],
)
def test_a_failure_is_raised(testcase, says, tmp_path):
    with pytest.raises(SimulationFailed, match=says):
        simulate(ADDER, {"width": 16, "limit": 7}, test_module=FAULTY, testcase=testcase, run_dir=tmp_path)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("tb.cosim.skipped_bench", "no test ran"),
        ("tb.cosim.adder", "no results"),
        ("tb.no_such_bench", "no_such_bench"),
    ],
)
def test_a_module_that_runs_no_test_is_a_failure(module, says, tmp_path):
    with pytest.raises(SimulationFailed, match=says):
        simulate(ADDER, {"width": 16}, test_module=module, run_dir=tmp_path)


@pytest.mark.parametrize("text", ["", "<testsuites><testsuite><testcase name='a'", "<testsuites/>"])
def test_results_that_are_cut_off_are_a_failure(tmp_path, text):
    (tmp_path / "results.xml").write_text(text)
    reason, failed = judge(tmp_path, 0)
    assert reason
    assert failed == []


def test_a_process_that_never_returns_is_killed(tmp_path):
    begin = time.monotonic()
    with pytest.raises(SimulationFailed, match="killed after 3 s"):
        simulate(
            ADDER, {"width": 16}, test_module=FAULTY, testcase="never_returns", wall_seconds=3, run_dir=tmp_path,
        )  # fmt: skip
    assert time.monotonic() - begin < 10


def test_the_seed_reaches_the_tests_and_is_printed(capsys, tmp_path):
    run = simulate(
        ADDER,
        {"width": 16},
        test_module=BENCH,
        testcase="a_full_sink_waits_and_loses_nothing",
        seed=12345,
        run_dir=tmp_path / "run",
    )
    assert run == tmp_path / "run"
    assert "seed 12345" in capsys.readouterr().out
    assert "12345" in (run / "simulation.log").read_text()


COMPONENT = """
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

class Inverter(wiring.Component):
    i: In(8)
    o: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(~self.i)
        return m
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of builds of its own, and a place for components that may be edited."""
    monkeypatch.setenv("OCELLUS_BUILD", str(tmp_path / "build"))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_build_is_used_again_until_its_verilog_changes(store):
    component = store / "inverter_for_test.py"
    component.write_text(COMPONENT)
    factory = "inverter_for_test:Inverter"
    first = build(factory)
    assert first.fresh
    again = build(factory)
    assert (again.fresh, again.folder) == (False, first.folder)
    assert again.seconds < 2  # 0.03 s where nothing else runs

    component.write_text(COMPONENT + "\n# a comment\n")
    commented = build(factory)
    assert (commented.fresh, commented.folder) == (False, first.folder)

    component.write_text(COMPONENT.replace("~self.i", "self.i + 1"))
    edited = build(factory)
    assert edited.fresh
    assert edited.folder != first.folder

    component.write_text(COMPONENT.replace("return m", "return n"))
    with pytest.raises(ToolError, match="NameError"):
        build(factory)
    assert not list((store / "build" / "cosim").glob("tmp-*")), "nothing half-built stays"


def test_two_processes_build_the_same_once(store):
    (store / "inverter_for_test.py").write_text(COMPONENT)
    program = "from ocellus_sim.cosim import build; print(build('inverter_for_test:Inverter').fresh)"
    processes = [
        subprocess.Popen([sys.executable, "-c", program], cwd=store, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert sorted(p.communicate()[0] for p in processes) == ["False\n", "True\n"]


def test_finding_a_build_imports_no_amaranth():
    program = (
        "import sys; from ocellus_sim.cosim import builds;"
        f"builds.standing({ADDER!r}, {{'width': 16}});"
        "sys.exit('amaranth' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2]).returncode == 0


def test_arguments_have_one_name_each():
    assert canonical({"b": 1, "a": (2, "x")}) == canonical({"a": (2, "x"), "b": 1})
    assert len({canonical(v) for v in (1, True, 1.0, "1", (1,), [1], None, b"1")}) == 8
    with pytest.raises(TypeError):
        canonical(object())


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_parts_at_rest_cost_nothing_and_change_nothing(stall, tmp_path):
    seen = []
    divisions = {"whole": {}, "shut": {"resting": ("worker", "-worker.wall_clock", "restless")},
                 "open": {"resting": ("-worker.wall_clock",), "pausing": ("worker", "restless")},
                 "restless": {"resting": ("worker",)}}  # fmt: skip
    for name, division in divisions.items():
        run = simulate(
            "tb.cosim.workshop:Workshop", division, test_module="tb.cosim.workshop_bench",
            parameters={"stall": stall}, run_dir=tmp_path / name, seed=1,
        )  # fmt: skip
        seen.append(json.loads((run / "given.json").read_text()))
    whole, divided, open_, restless = seen
    assert divided["given"] == whole["given"]
    assert open_["given"] == whole["given"]
    assert restless["given"] == whole["given"]
    assert len(whole["given"][2][0]) == 20
    assert whole["rested"] == {}
    assert divided["rested"].keys() == {"worker", "restless"}
    # In each silence, that is; a sink that stalls is an input that changes.
    assert divided["rested"]["worker"] > 3 * 12_000 or stall
    assert divided["rested"]["restless"] == 0
    assert open_["rested"]["worker"] > 3 * 12_000 or stall
    assert restless["rested"] == {"worker": 0}, "its wall clock goes on"


def test_a_part_that_is_not_there_is_refused(store):
    with pytest.raises(ToolError, match="no part 'cellar' in the component"):
        build("tb.cosim.workshop:Workshop", {"resting": ("cellar",)})
