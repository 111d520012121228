"""From RAW10 to a colour picture of half the size."""

from .isp import Isp

__all__ = ["Isp"]
