"""The project itself: who imports whom, what is installed, which pages there are."""
