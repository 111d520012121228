"""What is mutated: each stage's top, its tests in the simulator, and how many faults it gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocellus.configurations import configuration
from ocellus.settings import FrameFormat


@dataclass(frozen=True)
class Trial:
    """Tests of one module of cocotb tests, all or one.

    Attributes
    ----------
    module
        Dotted name.
    testcase
        The one test; all without.
    parameters
        Makes the test's parameters; it may leave files in the folder it is given.
    env
        Further environment variables.
    """

    module: str
    testcase: str = ""
    parameters: Callable[[Path], dict[str, Any]] | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the table shows it."""
        return self.module.rpartition(".")[2] + (f".{self.testcase}" if self.testcase else "")


@dataclass(frozen=True)
class Stage:
    """A top and what its tests are.

    Attributes
    ----------
    factory, arguments
        As for `ocellus_sim.cosim.build`.
    part
        The submodule that is mutated; all of the top without.
    count
        How many faults of the whole campaign.
    trials
        The fastest first: a fault that one of them finds is not shown to the next.
    """

    name: str
    factory: str
    arguments: dict[str, Any]
    trials: tuple[Trial, ...]
    count: int
    part: str = ""


def networks(folder: Path) -> dict[str, Any]:
    """Programs for `tb.cnn.networks_bench`."""
    from tb.cnn.corners import written

    return {"images": [str(image) for image in written(configuration("tiny"), folder)]}


def _frame(f: FrameFormat) -> dict[str, str]:
    return {"FRAME": f"{f.width},{f.height},{f.h_total},{f.v_total}"}


_LINK = FrameFormat(20, 520, 24, 522)
STAGES = {
    stage.name: stage
    for stage in (
        Stage("readout", "ocellus_hdl.readout:Readout",
              {"frame": FrameFormat(16, 10, 24, 11), "clock": (1 << 62) - 4_000},
              (Trial("tb.readout.readout_bench"),), 70),
        Stage("isp", "ocellus_hdl.isp:Isp", {"frame": FrameFormat(64, 36, 80, 40)}, (Trial("tb.isp.isp_bench"),), 80),
        Stage("tensor", "ocellus_hdl.tensor:Tensor", {"frame": FrameFormat(64, 36, 80, 40)},
              (Trial("tb.tensor.tensor_bench"),), 80),
        Stage("cnn", "ocellus_hdl.cnn:Cnn", {"configuration": configuration("tiny")},
              (Trial("tb.cnn.flow_bench", "tensors_follow_each_other_whatever_stalls"),
               Trial("tb.cnn.networks_bench", parameters=networks), Trial("tb.cnn.flow_bench")), 200),
        Stage("metadata", "ocellus_hdl.metadata:Metadata", {}, (Trial("tb.metadata.metadata_bench"),), 90),
        Stage("link", "ocellus_hdl.link:Link", {"frame": _LINK}, (Trial("tb.link.link_bench", env=_frame(_LINK)),), 70),
        Stage("control", "tb.control.counting:Counting", {}, (Trial("tb.control.control_bench"),), 60,
              part="control"),
    )
}  # fmt: skip
