"""The metadata stage, on the gateware."""
