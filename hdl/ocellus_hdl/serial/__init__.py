"""serial: a board's way in and out through a USB-UART."""

from .serial import Serial

__all__ = ["Serial"]
