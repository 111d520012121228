"""serial: a board on a wire, in gateware and on the host."""
