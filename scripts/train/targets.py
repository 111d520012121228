"""What the network ought to answer: heat maps with a peak at each object's cell, and the boxes around it."""

import numpy as np
from numpy.typing import NDArray

from ocellus_sim.scenes.truth import CLASSES, PARTS

GRID = (27, 48)
SPREAD = 0.7
"""Width of a peak in cells."""
CHANNELS = len(CLASSES) + 4 + 1
"""Heat of each class, dx, dy, w, h in cells, and how much the box counts in the loss."""


def target(objects: NDArray[np.float32]) -> NDArray[np.float16]:
    """(27, 48, C + 5) for the (n, 5) objects of one scene; rows of class -1 are none."""
    rows, columns = GRID
    answer = np.zeros((rows, columns, CHANNELS), np.float32)
    heat, box, weight = answer[..., : len(CLASSES)], answer[..., len(CLASSES) : -1], answer[..., -1]
    grid_y, grid_x = np.mgrid[:rows, :columns].astype(np.float32)
    claims = np.zeros(GRID, np.float32)
    for index, x, y, w, h in objects:
        if index < 0:
            continue
        at_x, at_y = x * columns, y * rows
        cell_x, cell_y = min(int(at_x), columns - 1), min(int(at_y), rows - 1)
        # From the true centre: where that lies near a cell's edge the next cell is nearly as right.
        square = (grid_x + 0.5 - at_x) ** 2 + (grid_y + 0.5 - at_y) ** 2
        peak = np.minimum(np.exp((square[cell_y, cell_x] - square) / (2 * SPREAD**2)), 0.99)
        peak[cell_y, cell_x] = 1
        np.maximum(heat[..., int(index)], peak, out=heat[..., int(index)])
        # A cell has one box for all classes: that of the object likeliest to peak there, a part's before a flaw's.
        claim = peak + np.float32(0.1 if index < len(PARTS) else 0)
        chosen = (peak > 0.3) & (claim > claims)
        offsets = np.stack(
            [at_x - grid_x - 0.5, at_y - grid_y - 0.5, np.full(GRID, w * columns), np.full(GRID, h * rows)], axis=-1
        )
        box[chosen], weight[chosen], claims[chosen] = offsets[chosen], peak[chosen], claim[chosen]
    return answer.astype(np.float16)


def turned(
    tensors: NDArray[np.uint8], answers: NDArray[np.float16], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A batch, mirrored at random in both directions and a little brighter or darker; levels as 0 to 1."""
    x, y = tensors.astype(np.float32) / 255, answers.astype(np.float32)
    dx = len(CLASSES)
    for index in range(len(x)):
        if rng.random() < 0.5:
            x[index], y[index] = x[index, :, ::-1].copy(), y[index, :, ::-1].copy()
            y[index, ..., dx] *= -1
        if rng.random() < 0.5:
            x[index], y[index] = x[index, ::-1].copy(), y[index, ::-1].copy()
            y[index, ..., dx + 1] *= -1
        x[index] *= rng.uniform(0.88, 1.12)
    return np.minimum(x, 1), y
