"""The co-simulation proves itself: its bench, its builds, its failures, its speed."""
