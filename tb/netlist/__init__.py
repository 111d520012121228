"""The netlist that a bitstream is made of, cell by cell, in Verilator: docs/netlist.md."""
