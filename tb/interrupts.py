"""Processes that a test interrupts."""

import signal


def interruptible() -> None:
    """Before a process starts: where the tests themselves run in the background of a shell, all ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
