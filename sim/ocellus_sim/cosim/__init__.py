"""Co-simulation: a component built with Verilator, cocotb tests on it, whole arrays through its streams."""

from ocellus_sim.cosim.bench import Bench
from ocellus_sim.cosim.builds import Build, build
from ocellus_sim.cosim.runs import SimulationFailed, simulate
from ocellus_sim.cosim.streams import Stall
from ocellus_sim.cosim.toolchain import ToolError

__all__ = ["Bench", "Build", "SimulationFailed", "Stall", "ToolError", "build", "simulate"]
