"""metadata: from the network's output tensor to one record a frame."""

from .metadata import Metadata

__all__ = ["Metadata"]
