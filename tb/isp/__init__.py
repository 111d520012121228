"""The image processor, on the gateware."""
