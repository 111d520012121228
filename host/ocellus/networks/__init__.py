"""Networks with what the sensor has to know beside their file; the project's own one lies in this folder."""

from .network_file import ClassName, NetworkFile, default, describe, load
from .stages import stage_settings

__all__ = ["ClassName", "NetworkFile", "default", "describe", "load", "stage_settings"]
