"""The pixel array's lines, in time."""

from .readout import Readout

__all__ = ["Readout"]
