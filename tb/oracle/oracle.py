"""Random networks by their kind and a seed."""

from . import random_networks, random_operators
from .builder import ModelBuilder
from .dice import Dice

KINDS = tuple(random_networks.MAKERS)
"""What the program images of today run."""

_MAKERS = random_networks.MAKERS | random_operators.MAKERS
EVERY_KIND = tuple(_MAKERS)
"""What the graph can say."""


def random_network(kind: str, seed: int) -> bytes:
    """A ``.tflite`` file whose shapes, scales, weights and options follow from ``kind`` and ``seed``.

    ``kind`` is one of :data:`EVERY_KIND`; some bring the operators they need beside them; ``chain`` and ``mixture``
    are networks of 3 to 20 operators with side branches.
    """
    model = ModelBuilder()
    return model.build(_MAKERS[kind](Dice(seed), model))
