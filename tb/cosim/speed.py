"""Prints how the burst compares with a bare C++ loop over the same model: ``python -m tb.cosim.speed``."""

import subprocess
import sys
import tempfile
from pathlib import Path

from ocellus_sim.cosim import builds, conversion, simulate, toolchain

CLOCKS = 2_000_000
FACTORY = "tb.cosim.pipeline:Pipeline"


def bare_loop(work: Path, macs: int) -> Path:
    """The yardstick's executable: Verilator's flags are the burst's own, without cocotb's interface."""
    (work / "top.v").write_text(conversion.convert(FACTORY, {"macs": macs}))
    env, log = toolchain.environment(), work / "build.log"
    flags = [flag for flag in builds.VERILATOR_FLAGS if flag != "--vpi"]
    source = str(Path(__file__).with_name("bare_loop.cpp"))
    toolchain.run(["verilator", *flags, "-CFLAGS", builds.CPP_FLAGS, "top.v", source], work, env, log)
    make = ["make", "-f", "Vtop.mk", f"PYTHON3={sys.executable}", *builds.MAKE_VARIABLES]
    toolchain.run(make, work, env, log)
    return work / "simulator"


def main() -> None:
    """Alternates the two, so that a busy machine slows both, and prints the best of each."""
    print("| multiply-accumulates | bare C++ loop, ns a clock | burst, ns a clock | burst's speed |\n|---|---|---|---|")
    for macs in (0, 16, 128):
        bare, burst = [], []
        with tempfile.TemporaryDirectory() as folder:
            program = bare_loop(Path(folder), macs)
            for _ in range(5):
                bare.append(float(subprocess.check_output([program, str(CLOCKS)], text=True)))
                run = simulate(
                    FACTORY, {"macs": macs}, test_module="tb.cosim.speed_bench", parameters={"clocks": CLOCKS},
                    run_dir=Path(folder) / "run",
                )  # fmt: skip
                burst.append(float((run / "ns.txt").read_text()))
        print(f"| {macs} | {min(bare):.0f} | {min(burst):.0f} | {100 * min(bare) / min(burst):.0f} % |")


if __name__ == "__main__":
    main()
