"""boards: crystals, pins, and all between them and the sensor; the flow that makes bitstreams."""
