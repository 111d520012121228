"""The link stage, on the gateware."""
