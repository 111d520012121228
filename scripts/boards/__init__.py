"""The boards: their list, their bitstreams, and how one gets onto a board."""
