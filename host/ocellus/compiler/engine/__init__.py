"""From a network's graph to a program image of the engine; docs/engine.md is the contract."""
