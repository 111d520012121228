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
    """(27, 48, C + 5) for the (n, 5) objects of one scene; rows of class -1 are no objects."""
    rows, columns = GRID
    answer = np.zeros((rows, columns, CHANNELS), np.float32)
    heat, box, weight = answer[..., : len(CLASSES)], answer[..., len(CLASSES) : -1], answer[..., -1]
    grid_y, grid_x = np.mgrid[:rows, :columns].astype(np.float32)
    # A cell has one box for all classes: where a flaw and its part share a cell the part's box counts, for a flaw
    # asks only for its place, which a cell pins down well enough.
    for kind in (False, True):
        for index, x, y, w, h in objects:
            if index < 0 or (index < len(PARTS)) != kind:
                continue
            at_x, at_y, wide, high = x * columns, y * rows, w * columns, h * rows
            cell_x, cell_y = min(int(at_x), columns - 1), min(int(at_y), rows - 1)
            square = (grid_x - cell_x) ** 2 + (grid_y - cell_y) ** 2
            # Measured from the true centre: where that lies near a cell's edge the next cell is nearly as right.
            true_square = (grid_x + 0.5 - at_x) ** 2 + (grid_y + 0.5 - at_y) ** 2
            peak = np.exp((true_square[cell_y, cell_x] - true_square) / (2 * SPREAD**2))
            np.maximum(
                heat[..., int(index)], np.minimum(peak, np.where(square > 0, 0.99, 1)), out=heat[..., int(index)]
            )
            for near in (square <= 2, square == 0):
                count = np.float32(1.0 if near.sum() == 1 else 0.25 if kind else 0.5)
                chosen = near & (weight <= count)
                box[chosen] = np.stack(
                    [at_x - grid_x - 0.5, at_y - grid_y - 0.5, np.full(GRID, wide), np.full(GRID, high)], axis=-1
                )[chosen]
                weight[chosen] = count
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
