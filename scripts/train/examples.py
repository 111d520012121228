"""Examples for training: scenes at a quarter of 4K, seen through the golden sensor up to the network's input tensor."""

from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ocellus.line import isp_settings
from ocellus.settings import UHD, FrameFormat, TensorSettings, Window
from ocellus_sim.golden import isp, tensor
from ocellus_sim.scenes.line import render

QUARTER = FrameFormat(960, 540, 1100, 563)
SHAPE = (108, 192, 3)
MOST = 32
"""Objects kept of a scene: more than any has."""


def input_tensor(raw: NDArray[np.uint16], frame: FrameFormat) -> NDArray[np.uint8]:
    """(108, 192, 3) levels: what the sensor hands to the network, plus 128."""
    settings = TensorSettings.scaled(Window(0, 0, frame.width, frame.height), SHAPE, 1 / 255, -128)
    return (tensor.scale(isp.process(raw, isp_settings()), settings).astype(np.int16) + 128).astype(np.uint8)


def example(seed: int, frame: FrameFormat = QUARTER) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A scene's input tensor, and (32, 5) its objects: class, centre, size (of 1); class -1 fills."""
    scene = render(seed, frame)
    objects = np.full((MOST, 5), -1, np.float32)
    for row, o in zip(objects, scene.objects, strict=False):
        x, y = o.left + o.width / 2, o.top + o.height / 2
        row[:] = o.class_index, x / frame.width, y / frame.height, o.width / frame.width, o.height / frame.height
    return input_tensor(scene.raw, frame), objects


def example_4k(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The same from a whole 4K frame."""
    return example(seed, UHD)


def examples(
    first: int, count: int, folder: Path, processes: int, full: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """``count`` examples from seed ``first`` on, kept in ``folder`` so that they are made once."""
    kept = folder / f"examples-{first}-{count}{'-4k' if full else ''}.npz"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make = example_4k if full else example
        with Pool(processes) as pool:
            made = list(track(pool.imap(make, range(first, first + count), 8), f"scenes from {first}", count))
        np.savez(kept, tensors=np.stack([m[0] for m in made]), objects=np.stack([m[1] for m in made]))
    with np.load(kept) as file:
        return file["tensors"], file["objects"]
