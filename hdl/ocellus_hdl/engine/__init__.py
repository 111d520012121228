"""The engine's datapath: activation memory, array, requantiser."""
