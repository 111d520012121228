"""What `make sim` runs: frames through the whole sensor in Verilator, every stage compared, everything shown."""
