"""Scenes, photographs, scores, and the network that looks at them."""
