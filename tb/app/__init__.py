"""What `make sim` runs."""
