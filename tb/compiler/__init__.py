"""The compiler, its golden network, and a slow reading of the program image between them."""
