"""Random int8 networks and what LiteRT's reference kernels make of them: the outside truth of the arithmetic."""

from .litert import random_input, run, run_by_default
from .oracle import EVERY_KIND, KINDS, random_network

__all__ = ["EVERY_KIND", "KINDS", "random_input", "random_network", "run", "run_by_default"]
