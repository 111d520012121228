"""Is a network exact, and how fast is it: the golden model or the gateware against an outside runtime."""
