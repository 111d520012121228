"""What the compiler knows of the gateware's pace: its pipelines, and when a step need not wait for the one before."""

import pytest

from ocellus.compiler.engine import pipeline
from ocellus.compiler.engine.predict import SETS, SETTLED, SIDE, Clockwork, Work
from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.program_formats import Epilogue, LayerOp
from ocellus_hdl.cnn import pump, walk, words
from ocellus_hdl.cnn.datapath import Datapath
from ocellus_hdl.cnn.walk import Walk
from ocellus_hdl.cnn.wheel import Wheel


@pytest.mark.parametrize("c", CONFIGURATIONS.values(), ids=list(CONFIGURATIONS))
def test_pipelines_are_as_long_as_the_gateware_says(c: Configuration) -> None:
    assert pipeline.wheel(c) == Wheel.latency(c)
    assert pipeline.WALK == Walk.LATENCY
    for op in LayerOp:
        for epilogue in Epilogue:
            drain = Walk.LATENCY + Datapath.latency(c, op, epilogue) + 1
            assert pipeline.drain(c, op, epilogue) == drain, (op, epilogue)
    assert (SETS, SIDE, SETTLED) == (words.SETS, pump.SIDE, walk.SETTLED + 2)


def test_a_step_waits_for_what_it_needs_and_for_nothing_else() -> None:
    c = CONFIGURATIONS["ecp5"]
    drain = pipeline.drain(c, LayerOp.POINT, Epilogue.PLAIN)
    steps = [Work(0, LayerOp.POINT, Epilogue.PLAIN, groups=10, sums=20, pace=3) for _ in range(2)]
    waiting = [Work(1, LayerOp.POINT, Epilogue.PLAIN, groups=10, sums=20, pace=3, after=after) for after in (0, 1, 2)]
    found = [Clockwork(c).run([*steps, step])[-1] for step in waiting]
    end = drain
    assert found == [200 + end, 200 + end, 200 + drain + end]


def test_tiles_are_cut_one_after_the_other_and_anew_for_a_step() -> None:
    """Two groups of a clock each wait for a tile of three; a step's first tile for five more behind the last one's."""
    c = CONFIGURATIONS["imx500"]
    drain = pipeline.drain(c, LayerOp.POINT, Epilogue.PLAIN)
    quick = Work(0, LayerOp.POINT, Epilogue.PLAIN, groups=40, sums=1, pace=1, cut=3, tile_groups=2)
    assert Clockwork(c).run([quick] * 3)[1:] == [19 * 3 + 2 + 5, 19 * 3 + 2 + 5 + drain]
