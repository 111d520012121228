"""Choose the score from which a peak is reported, on validation scenes alone, and write it beside the network.

.venv/bin/python scripts/train/threshold.py build/train/line.tflite
"""

import argparse
import json
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from examples import examples
from numpy.typing import NDArray
from rich.progress import track

from ocellus import networks
from ocellus.networks import NetworkFile
from ocellus.records import parse_record
from ocellus.settings import UHD, MetadataSettings, Window
from ocellus_sim.golden import cnn, metadata, sensor
from ocellus_sim.scenes import CLASSES, SceneObject, Score, score
from ocellus_sim.scenes.truth import labelled

FIRST, COUNT = 901_000, 200
"""Validation scenes: rendered in 4K, seen neither in training nor in the test."""


def truth(objects: NDArray[np.float32]) -> list[SceneObject]:
    """The scene's objects from their shares of the frame."""
    found = []
    for index, x, y, w, h in objects[objects[:, 0] >= 0]:
        wide, high = round(float(w) * UHD.width), round(float(h) * UHD.height)
        left, top = round(float(x) * UHD.width - wide / 2), round(float(y) * UHD.height - high / 2)
        found.append(labelled(CLASSES[int(index)], (left, top, wide, high)))
    return found


def outputs(file: NetworkFile, tensors: NDArray[np.uint8]) -> list[NDArray[np.int8]]:
    """What the golden accelerator answers to each input tensor."""
    with Pool(2) as pool:
        run = partial(_answer, str(Path(file.network.file)))
        return list(track(pool.imap(run, tensors, 4), "validation", len(tensors)))


def _answer(path: str, levels: NDArray[np.uint8]) -> NDArray[np.int8]:
    network = networks.load(path).network
    return cnn.run(network, (levels.astype(np.int16) - 128).astype(np.int8))[network.operators[-1].output]


def scored(
    file: NetworkFile, answers: list[NDArray[np.int8]], truths: list[list[SceneObject]], threshold: int
) -> Score:
    """All validation scenes at one threshold."""
    rows, columns, channels = file.output.picture
    settings = MetadataSettings.heatmap(
        UHD, Window(0, 0, UHD.width, UHD.height), (rows, columns), channels - 4, threshold, file.output.scale,
        file.output.zero_point,
    )  # fmt: skip
    total = Score()
    for answer, real in zip(answers, truths, strict=True):
        total += score(real, parse_record(metadata.record(sensor.UNTIMED, answer, 0, 0, settings)).objects)
    return total


def main() -> None:
    """Try every threshold around the point where the network is undecided; the best worst figure wins."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/train"))
    given = parser.parse_args()
    file = networks.load(given.network)
    tensors, objects = examples(FIRST, COUNT, given.work, 2, full=True)
    truths = [truth(o) for o in objects]
    answers = outputs(file, tensors)
    middle = file.output.zero_point
    tried = {}
    for threshold in range(max(middle - 45, -127), min(middle + 30, 127), 2):
        result = scored(file, answers, truths, threshold)
        figures = [v for kind in ("part", "defect") for v in (result.of(kind).recall, result.of(kind).precision)]
        tried[threshold] = (min(figures), sum(figures))
        chance = 1 / (1 + np.exp(-(threshold - middle) * file.output.scale))
        print(f"{threshold:5d} ({chance:.2f})", *(f"{v:.4f}" for v in figures))
    best = max(tried, key=lambda t: tried[t])
    result = scored(file, answers, truths, best)
    print(f"threshold {best}; scale {file.output.scale:.4f}, zero point {file.output.zero_point}")
    for name, count in zip(CLASSES, result.counts, strict=True):
        print(f"{name:8} recall {count.recall:.4f} precision {count.precision:.4f} {count}")
    description = given.network.with_suffix(".json")
    content = json.loads(description.read_text())
    description.write_text(json.dumps({**content, "threshold": best}, indent=2) + "\n")


if __name__ == "__main__":
    main()
