"""The whole sensor, on the gateware."""
