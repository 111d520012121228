"""Runs a network once by LiteRT's default interpreter: a process of its own, since XNNPACK ends some with a signal."""

import subprocess
import sys


def fault(content: bytes) -> str | None:
    """What goes wrong with the ``.tflite`` file in ``content``; None when it runs."""
    command = [sys.executable, "-m", "ocellus_sim.verify.litert_probe"]
    done = subprocess.run(command, input=content, capture_output=True)
    if not done.returncode:
        return None
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"signal {-done.returncode}" if done.returncode < 0 else said[-1] if said else "no reason given"


def main() -> None:
    """The file comes by standard input, the reason goes to standard error."""
    import numpy as np

    from .litert import Interpreted

    try:
        runs = Interpreted(sys.stdin.buffer.read(), by_default=True)
        runs.outputs(np.zeros(runs.input_shape, runs.input_type))
    except (RuntimeError, ValueError) as error:
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main()
