"""From the picture to the network's int8 input."""

from .tensor import Tensor

__all__ = ["Tensor"]
