"""Random int8 networks and what LiteRT's reference kernels make of them: the outside truth of the arithmetic."""

from .litert import random_input, run
from .random_networks import KINDS, random_network

__all__ = ["KINDS", "random_input", "random_network", "run"]
