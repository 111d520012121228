"""What becomes the chip: the six stages, their control, and the boards."""
