"""A tool and all that it starts, ended together with whoever wanted it: ``python guarded.py PARENT COMMAND ...``.

A build goes through make and several compilers, of which a kill reaches one; and who is killed cannot even do that.
"""

import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """The command's status. This process leads a session of its own (toolchain.py)."""
    _, parent, *command = sys.argv
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # gone already
            return 1
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
