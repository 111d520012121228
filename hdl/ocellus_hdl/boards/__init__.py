"""Boards: clocks, pins and what stands around the sensor on each; leaf gateware knows none of it."""

from .board import Board, Pin
from .camera import Camera
from .found import board, points
from .top import Top

__all__ = ["Board", "Camera", "Pin", "Top", "board", "points"]
