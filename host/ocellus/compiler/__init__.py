"""From a ``.tflite`` file to a program image: graph, schedule, memory, packing, each a pass of its own."""
