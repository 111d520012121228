"""Runs a command for as long as somebody holds the other end of standard input: whoever dies leaves nothing behind.

``python keeper.py COMMAND...`` ends with the command's status. When standard input ends, which it does when the
process at its other end is gone, for whatever reason, the command is killed with all that it started. A file of its own
without imports from the package, because it is started for every job.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Status of the command as a shell has it: 128 + n where signal n ended it."""
    with open(os.devnull, "rb") as nothing:
        child = subprocess.Popen(sys.argv[1:], stdin=nothing, start_new_session=True)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        kill(child.pid)

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    kill(child.pid)  # what it may have left in the background
    return 128 - status if status < 0 else status


def kill(group: int) -> None:
    """A process and its descendants, those in sessions of their own excepted."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
