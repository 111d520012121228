"""The tensor stage, on the gateware."""
