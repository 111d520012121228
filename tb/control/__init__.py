"""Control: registers written and read back, on the gateware."""
