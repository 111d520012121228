"""What the chip must equal: scenes, the golden model, and the co-simulation that compares."""
