"""control: registers, beside the path."""

from .control import Control

__all__ = ["Control"]
