"""`make bench-cnn`: real networks through the simulated accelerator, every layer compared; cycles beside their targets.

A result is kept under build/bench/kept by what it follows from, so that a run that was stopped goes on where it stood.
 ``python -m scripts.bench_cnn --help`` tells the options.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ocellus import networks
from ocellus.compiler.engine.command import arithmetic_of
from ocellus.compiler.engine.image import Program
from ocellus.configurations import CONFIGURATIONS, configuration
from ocellus.errors import BadInput
from ocellus_sim import verify
from ocellus_sim.cosim import SimulationFailed, build, content
from ocellus_sim.verify.figures import Run, depthwise_busy, depthwise_shares, figures
from ocellus_sim.verify.oracle import oracle_of
from ocellus_sim.verify.rtl import CNN
from ocellus_sim.verify.session import gathered, progress_line, ran

from .bench_networks import ANCHORS, BENCHES, DEPTHWISE_TARGET, ERROR_TARGET, KIB, LARGE, Bench

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
PAGE = ROOT / "docs" / "cnn.md"
MARK = "<!-- the table below is written by `make bench-cnn ARGS=--page` -->\n"
SEED = 1
WIDTH = 150
"""Of the tables where no terminal has its own."""

Row = tuple[Bench, str, int | None, dict[str, Any] | str]
"""A network, a configuration, bytes of activations, and what came of it."""


def result(bench: Bench, config: str, limit: int | None, again: bool) -> dict[str, Any]:
    """The figures of one network on one configuration in so many bytes of activations, kept or made now."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{bench.name}.tflite"
        path.write_bytes(bench.content())
        file, sizes = networks.load(path), configuration(config)
        arithmetic = arithmetic_of(file, None)
        program = file.compile(sizes, arithmetic, bench.keep_dead, activation_bytes=limit)
        kept = OUT / "kept" / f"{bench.name}-{config}-{key(program)}.json"
        if kept.exists() and not again:
            return json.loads(kept.read_text())
        oracle = oracle_of(file.network, path, arithmetic)
        inputs = gathered(file, [], 1, SEED, oracle.unsigned)
        run = ran(file, oracle, sizes, arithmetic, inputs, "rtl", progress_line(), bench.keep_dead, limit)
    found = entry(bench, run)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found, indent=1) + "\n")
    return found


def key(program: Program) -> str:
    """What the figures follow from: the program, the gateware as Verilog, and what compares and counts."""
    simulator = build(CNN, {"configuration": program.configuration}).folder.name
    counting = [path.read_bytes() for path in sorted(Path(verify.__file__).parent.glob("*.py"))]
    return content.digest([program.to_bytes(), simulator, *counting])


def entry(bench: Bench, run: Run) -> dict[str, Any]:
    """The keys of build/bench/cnn.json, and more."""
    f = figures(run)
    errors = [abs(e["prediction_error"]) for e in f["layers"] if e["prediction_error"] is not None]
    keys = ("cycles", "utilisation", "effective_utilisation", "mismatches", "peak_activation_bytes", "macs",
            "effective_macs", "predicted_cycles", "input_wait_clocks", "activations_compared", "layers")  # fmt: skip
    return {
        "network": bench.name,
        "config": run.configuration,
        **{key: f[key] for key in keys},
        "depthwise_min_utilisation": min(depthwise_shares(f), default=None),
        "depthwise_min_busy": min(depthwise_busy(f), default=None),
        "prediction_error_max": max(errors, default=None),
    }


def chosen(given: Sequence[str], there: Mapping[str, Any], what: str) -> list[str]:
    """The names asked for, or all; :class:`BadInput` for one that does not exist."""
    for name in given:
        if name not in there:
            raise BadInput(f"{what}: found {name!r}, allowed {', '.join(there)}")
    return list(given) or list(there)


def work(given: argparse.Namespace) -> Iterator[tuple[Bench, str, int | None]]:
    """Every network on every configuration that has a target: as fast as can be, then in the memory that is asked."""
    benches = {b.name: b for b in BENCHES}
    for name in chosen(given.networks, benches, "NETWORKS"):
        for config in benches[name].targets:
            if not given.configs or config in given.configs:
                yield benches[name], config, None
                if benches[name].peak is not None:
                    yield benches[name], config, benches[name].peak


HEADINGS = ("network", "config", "activations in", "cycles", "target", "dense", "effective", "least depthwise",
            "least busy", "prediction off", "peak activations", "mismatches")  # fmt: skip


def cells(row: Row) -> list[tuple[str, bool | None]]:
    """Of a row of the table: text, and whether it is as it is to be; None where nothing is asked."""
    bench, config, limit, found = row
    target = bench.targets[config]
    told = [(bench.name, None), (config, None), ("-" if limit is None else f"{limit // KIB} KiB", None)]
    if isinstance(found, str):
        return [*told, (found, None), (f"{target:,}", None), *[("", None)] * (len(HEADINGS) - 5)]
    depthwise, busy, error, peak = (
        found[key]
        for key in ("depthwise_min_utilisation", "depthwise_min_busy", "prediction_error_max", "peak_activation_bytes")
    )
    return [
        *told,
        (f"{found['cycles']:,}", found["cycles"] <= target),
        (f"{target:,}", None),
        (f"{found['utilisation']:.1%}", None),
        (f"{found['effective_utilisation']:.1%}", None),
        *(("-" if n is None else f"{n:.1%}", n is None or n >= DEPTHWISE_TARGET) for n in (depthwise, busy)),
        ("-" if error is None else f"{error:.1%}", error is None or error <= ERROR_TARGET),
        (f"{peak / KIB:.1f} KiB", None if limit is None else peak <= limit),
        (f"{found['mismatches']:,}", not found["mismatches"]),
    ]


def shown(rows: Sequence[Row]) -> Table:
    """Figures with targets beside them; what is missed is red, and why something is missing is said."""
    table = Table(title="cycles in RTL, bit exact, all weights on chip")
    for title in HEADINGS:
        table.add_column(title, justify="left" if title in HEADINGS[:2] else "right")
    for row in rows:
        table.add_row(*(text if good is None else coloured(text, good) for text, good in cells(row)))
    return table


def write_page(rows: Sequence[Row]) -> None:
    """The table of the page, below its mark; what misses its target is bold."""
    lines = [[f"**{text}**" if good is False else text for text, good in cells(row)] for row in rows]
    lines = [list(HEADINGS), ["---"] * 3 + ["---:"] * (len(HEADINGS) - 3), *lines]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + text)


def coloured(text: str, good: bool) -> str:
    """Green or red."""
    return f"[{'green' if good else 'red'}]{text}[/]"


def anchors(names: Sequence[str]) -> Table:
    """What others reach on the same networks."""
    table = Table(title="others, for comparison")
    for title in ("network", "engine", "MACs", "cycles", "utilisation"):
        table.add_column(title, justify="left" if title in ("network", "engine") else "right")
    for name, engine, macs, cycles, utilisation in ANCHORS:
        if any(n.startswith(name) for n in names):
            table.add_row(name, engine, macs, cycles, utilisation)
    return table


def main() -> int:
    """Run, print, write build/bench/cnn.json; 1 when a run was not exact or came to no end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", nargs="*", default=[], metavar="NAME", help=", ".join(b.name for b in BENCHES))
    parser.add_argument("--configs", nargs="*", default=[], metavar="NAME", help="of those that have a target")
    parser.add_argument("--again", action="store_true", help="kept results do not count")
    parser.add_argument("--page", action="store_true", help="write the table of docs/cnn.md")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    CONFIGURATIONS[LARGE.name] = LARGE
    rows: list[Row] = []
    failed = False
    try:
        chosen(given.configs, {config: None for b in BENCHES for config in b.targets}, "CONFIGS")
        everything = list(work(given))
    except BadInput as error:
        console.print(f"bench-cnn: {error}", style="red", markup=False)
        return 2
    for bench, config, limit in everything:
        if bench.missing:
            console.print(f"{bench.name} on {config}: {bench.missing}", style="yellow", markup=False)
            rows.append((bench, config, limit, "absent"))
            continue
        memory = "" if limit is None else f" in {limit // KIB} KiB"
        console.print(f"{bench.name} on {config}{memory} ...", style="dim")
        try:
            found = result(bench, config, limit, given.again)
        except (BadInput, SimulationFailed) as error:
            console.print(str(error), style="red", markup=False)
            rows.append((bench, config, limit, "refused" if isinstance(error, BadInput) else "no end"))
            failed = True
            continue
        failed |= bool(found["mismatches"])
        rows.append((bench, config, limit, found))
    results = [found | {"activation_limit_bytes": limit} for *_, limit, found in rows if not isinstance(found, str)]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "cnn.json").write_text(json.dumps(results, indent=1) + "\n")
    console.print(shown(rows))
    console.print(anchors([bench.name for bench, *_ in rows]))
    if given.page:
        write_page(rows)
    console.print(f"written to {(OUT / 'cnn.json').relative_to(ROOT)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
