"""The readout stage, on the gateware."""
