"""LiteRT as users verify with it, and inputs for it."""

import numpy as np

from ocellus_sim.verify.litert import Interpreted, run, run_by_default

__all__ = ["random_input", "run", "run_by_default"]


def random_input(model: bytes, seed: int) -> np.ndarray:
    """A tensor of the network's input shape and type: over the whole range, with many of one end of it.

    Where there is room, every value occurs.
    """
    interpreted = Interpreted(model)
    shape = interpreted.input_shape
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, shape, dtype=np.int8)
    x = np.where(random.random(shape) < 0.1, random.choice(np.array([-128, 127], np.int8)), x)
    if x.size >= 256:
        x.ravel()[:256] = random.permutation(256) - 128
    return x if interpreted.input_type is np.int8 else (x.view(np.uint8) ^ 0x80)
