"""How a command ends that did not come to its end: one sentence, the right status, and nobody left behind."""

import errno
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocellus.errors import BadInput

GOOD, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

FULL = ("No space left on device", "Disk quota exceeded", "File too large", "requested and")
"""What a full disk looks like in the words of the tools; the last are NumPy's, `n requested and m written`."""


class Ended(KeyboardInterrupt):
    """Somebody wants this process to end."""


def command(run: Callable[[], int]) -> int:
    """The status of ``run``: 1 for a disk or a file that failed it, 2 for refused input, 130 where it was ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return run()
    except BadInput as error:
        print(f"ocellus: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt as error:
        print(f"ocellus: {error or 'interrupted'}", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"ocellus: {sentence(error)}", file=sys.stderr)
        return FAILED


def _end(number: int, _frame: Any) -> None:
    """Simulators are ended at once: who waits for them need not wait."""
    if process := sys.modules.get("ocellus_sim.cosim.process"):
        process.stop()
    what = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    raise Ended(f"{what}; no result was written")


def sentence(error: BaseException, folder: Path | None = None) -> str:
    """What went wrong; of a full disk, where."""
    if full(error):
        place = getattr(error, "filename", None) or folder or Path.cwd()
        return f"{place}: found a full disk, allowed one with room for what a run leaves"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: found {error.strerror}, allowed files that can be read and written"
    return str(error)


def full(error: BaseException) -> bool:
    """Whether a full disk is behind it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    return any(words in str(error) for words in FULL)
