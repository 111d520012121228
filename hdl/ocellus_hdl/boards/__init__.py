"""Boards: clocks, pins and what stands around the sensor on each; leaf gateware knows none of it."""
