"""The accelerator's tests."""
