"""The accelerator, from the program image to the output tensor."""

from .cnn import Cnn
from .contents import NOTHING, Contents

__all__ = ["NOTHING", "Cnn", "Contents"]
