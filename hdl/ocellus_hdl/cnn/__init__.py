"""The accelerator, from the program image to the output tensor."""

from .cnn import Cnn

__all__ = ["Cnn"]
