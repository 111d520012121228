"""From a network's graph to a program image of the engine; docs/cnn.md is the contract."""
