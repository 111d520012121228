"""The commands that compile, inspect and verify networks."""
