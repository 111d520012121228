"""How well the sensor sees: recall and precision over scenes never used in training, from RAW10 to records.

.venv/bin/python scripts/quality.py --scenes 200, or over the moving line that readout draws: --line 60
"""

import argparse
import json
from dataclasses import asdict
from functools import cache
from multiprocessing import Pool
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from ocellus import networks
from ocellus.formats import Pattern
from ocellus.networks import NetworkFile
from ocellus.records import parse_record
from ocellus.settings import UHD
from ocellus_sim.golden import sensor
from ocellus_sim.golden.line import BELT, STEP
from ocellus_sim.golden.sensor import SensorSettings
from ocellus_sim.line_truth import truth
from ocellus_sim.scenes import CLASSES, Count, Score, kind_of, render, score

FIRST_SEED = 1_000_000
"""Training uses seeds below 900,000, the choice of the threshold those from there up to here."""


@cache
def network(path: Path | None) -> NetworkFile:
    """The network, read once in each process."""
    return networks.load(path) if path else networks.default()


def settings_for(file: NetworkFile, pattern: Pattern) -> SensorSettings:
    """The sensor looking at scenes, or at what readout draws."""
    tensor, metadata, readout, isp = networks.stage_settings(file, UHD, pattern=pattern)
    return SensorSettings(tensor, metadata, UHD, readout, isp)


def frame_score(task: tuple[int, Path | None]) -> Score:
    """One 4K scene through the golden sensor, and its record against the truth."""
    seed, path = task
    file = network(path)
    scene = render(seed)
    passage = sensor.run(scene.raw, settings_for(file, Pattern.ARRAY), file.network)
    return score(scene.objects, parse_record(passage.record).objects)


def line_score(task: tuple[int, Path | None]) -> tuple[Score, Score]:
    """The same for one frame of the moving line; then with what is said of cut parts as invented."""
    counter, path = task
    file = network(path)
    ticket = {**sensor.UNTIMED, "frame_counter": counter}
    passage = sensor.run(None, settings_for(file, Pattern.LINE), file.network, ticket)
    seen, claims = truth(UHD, counter), parse_record(passage.record).objects
    return seen.score(claims), score(seen.objects, claims)


def table(total: Score, title: str) -> Table:
    """Recall and precision of each class and each kind."""
    shown = Table("class", "kind", "found", "missed", "invented", "recall", "precision", title=title)
    rows: list[tuple[str, str, Count]] = [
        (name, kind_of(name), count) for name, count in zip(CLASSES, total.counts, strict=True)
    ]
    for name, kind, count in [
        *rows,
        ("all parts", "part", total.of("part")),
        ("all defects", "defect", total.of("defect")),
    ]:
        numbers = (str(n) for n in (count.found, count.missed, count.invented))
        shown.add_row(name, kind, *numbers, f"{count.recall:.4f}", f"{count.precision:.4f}")
    return shown


def main() -> None:
    """Run, print the table, write build/quality.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--network", type=Path, help="another .tflite file with its .json beside it")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--line", type=int, metavar="FRAMES", help="frames of readout's moving line, evenly around its belt, no scenes"
    )
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.scenes)
    if given.line:
        around = BELT // STEP
        frames = [n * around // given.line for n in range(given.line)]
        with Pool(given.processes) as pool:
            work = pool.imap(line_score, [(n, given.network) for n in frames])
            scores = list(track(work, "frames", len(frames)))
        Console().print(table(sum((fair for fair, _ in scores), Score()), f"{given.line} frames of the line"))
        strict = sum((strict for _, strict in scores), Score())
        figures = ", ".join(f"{strict.of(kind).precision:.4f} of {kind}s" for kind in ("part", "defect"))
        print(f"precision where what is said of cut parts is invented: {figures}")
        return
    with Pool(given.processes) as pool:
        work = pool.imap(frame_score, [(seed, given.network) for seed in seeds])
        scores = list(track(work, "scenes", len(seeds)))
    total = sum(scores, Score())
    Console().print(table(total, f"{given.scenes} scenes"))
    kinds = {kind: total.of(kind) for kind in ("part", "defect")}
    classes = dict(zip(CLASSES, total.counts, strict=True))
    content = {
        "network": f"{network(given.network).network.identity:08x}",
        "scenes": given.scenes,
        "first_seed": given.first_seed,
        "classes": {name: _figures(count) for name, count in classes.items()},
        "kinds": {name: _figures(count) for name, count in kinds.items()},
        "imperfect_seeds": [s for s, one in zip(seeds, scores, strict=True) if one.total.missed + one.total.invented],
    }
    out = Path("build/quality.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(content, indent=2) + "\n")
    print(f"written to {out}")


def _figures(count: Count) -> dict[str, float]:
    return {**asdict(count), "recall": count.recall, "precision": count.precision}


if __name__ == "__main__":
    main()
