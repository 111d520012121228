"""The engine alone: its parts, its programs, and both together."""
