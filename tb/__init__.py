"""Proof that gateware and golden model are equal: unit, stage and sensor tests."""
