"""What the tests reached: lines and branches of the gateware, and the situations that tb/coverage.toml asks for."""
