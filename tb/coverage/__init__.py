"""Coverage: what is counted is what was taken."""
