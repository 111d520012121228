"""Passes over a network's graph; each takes a network and gives another one that computes the same."""
