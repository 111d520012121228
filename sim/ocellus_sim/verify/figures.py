"""What a verification has found, as the numbers of its table and of its JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocellus.compiler.engine.image import Program
from ocellus.compiler.engine.summary import by, layer_macs, layer_name, share, table, total_macs
from ocellus.compiler.graph import Kind, Network
from ocellus.program_formats import CNN_SPENT

from .accelerator import Inference
from .comparison import Comparison

SPENT = tuple(f.name for f in CNN_SPENT.fields)


@dataclass(frozen=True)
class Run:
    """A verification that is over.

    Attributes
    ----------
    program : Program or None
        None where the golden model alone has run, and the network does not fit.
    slowest : Inference or None
        Of the gateware's inferences the one with the most cycles.
    """

    network: Network
    engine: str
    oracle: str
    arithmetic: str
    configuration: str
    inputs: int
    found: Comparison
    program: Program | None
    slowest: Inference | None = None


def layer_cycles(inference: Inference) -> list[int]:
    """Clocks of each layer: all four counters, less the waits for rows that had not come."""
    return (inference.counts.sum(axis=1) - inference.waits).tolist()


def figures(run: Run) -> dict[str, Any]:
    """The JSON: cycles are those of the slowest input, null without the gateware."""
    program, slowest = run.program, run.slowest
    dense, done = total_macs(program.host) if program else (None, None)
    cycles = sum(layer_cycles(slowest)) if slowest else None
    array = program.configuration.macs if program else 0
    return {
        "network": run.network.name,
        "config": run.configuration,
        "engine": run.engine,
        "oracle": run.oracle,
        "arithmetic": run.arithmetic,
        "inputs": run.inputs,
        "macs": dense,
        "effective_macs": done,
        "cycles": cycles,
        "predicted_cycles": program.host["clocks"] if program else None,
        "input_wait_clocks": int(slowest.waits.sum()) if slowest else None,
        "utilisation": _ratio(dense, cycles, array),
        "effective_utilisation": _ratio(done, cycles, array),
        "peak_activation_bytes": program.host["activation_bytes"] if program else None,
        "mismatches": run.found.wrong,
        "first_mismatch": run.found.first,
        "activations_compared": run.found.total,
        "layers": _layers(run, program, slowest) if program and slowest else _operators(run),
    }


def _ratio(macs: int | None, cycles: int | None, array: int) -> float | None:
    return None if macs is None or not cycles else round(macs / (cycles * array), 4)


def _layers(run: Run, program: Program, slowest: Inference) -> list[dict[str, Any]]:
    found = []
    array, cycles = program.configuration.macs, layer_cycles(slowest)
    pairs = layer_macs(program.host)
    for n, (told, (dense, done)) in enumerate(zip(program.host["layers"], pairs, strict=True)):
        predicted = told["clocks"]
        found.append(
            {
                "layer": n, "operators": told["operators"], "kinds": told["kinds"], "tensor": told["tensor"],
                "shape": told["shape"], "macs": dense, "effective_macs": done, "cycles": cycles[n],
                "predicted_cycles": predicted,
                "prediction_error": round(predicted / cycles[n] - 1, 4) if cycles[n] else None,
                **dict(zip(SPENT, slowest.counts[n].tolist(), strict=True)),
                "input_wait_clocks": int(slowest.waits[n]),
                "utilisation": _ratio(dense, cycles[n], array), "effective_utilisation": _ratio(done, cycles[n], array),
                "activations_compared": run.found.compared.get(n, 0), "mismatches": run.found.mismatches.get(n, 0),
            }
        )  # fmt: skip
    return found


def _operators(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "operators": [o.number], "kinds": [str(o.kind)], "tensor": o.output,
            "shape": list(run.network.tensors[o.output].shape),
            "activations_compared": run.found.compared.get(o.number, 0),
            "mismatches": run.found.mismatches.get(o.number, 0),
        }
        for o in run.network.operators
    ]  # fmt: skip


def shown(run: Run) -> str:
    """The table for people."""
    f = figures(run)
    heading = (
        f"{f['network']} on {f['config']}, {run.engine} against {run.oracle}, {run.arithmetic} rounding, "
        f"{run.inputs} input" + ("s" if run.inputs > 1 else "")
    )
    lines = _measured(f) if run.slowest else _compared(f)
    return "\n".join([heading, "", *lines, "", run.found.sentence()])


def _compared(f: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            str(e["operators"][0]),
            e["kinds"][0],
            by(e["shape"]),
            f"{e['activations_compared']:,}",
            f"{e['mismatches']:,}",
        )
        for e in f["layers"]
    ]
    lines = table(("operator", "", "output", "compared", "mismatches"), rows, {1, 2})
    if f["predicted_cycles"]:
        lines += ["", f"predicted on {f['config']}: {f['predicted_cycles']:,} cycles"]
    return lines


def _measured(f: Mapping[str, Any]) -> list[str]:
    head = (
        "layer", "operators", "output", "cycles", "predicted", "off", *SPENT, "of it for rows", "dense", "effective",
        "compared", "mismatches",
    )  # fmt: skip
    rows = [
        (
            str(e["layer"]), layer_name(e), by(e["shape"]), f"{e['cycles']:,}", f"{e['predicted_cycles']:,}",
            _percent(e["prediction_error"]), *(f"{e[way]:,}" for way in SPENT), f"{e['input_wait_clocks']:,}",
            _share(e["utilisation"]), _share(e["effective_utilisation"]), f"{e['activations_compared']:,}",
            f"{e['mismatches']:,}",
        )
        for e in f["layers"]
    ]  # fmt: skip
    error = f["predicted_cycles"] / f["cycles"] - 1
    rows.append(
        (
            "", "total", "", f"{f['cycles']:,}", f"{f['predicted_cycles']:,}", _percent(error),
            *(f"{sum(e[way] for e in f['layers']):,}" for way in SPENT), f"{f['input_wait_clocks']:,}",
            _share(f["utilisation"]), _share(f["effective_utilisation"]), f"{f['activations_compared']:,}",
            f"{f['mismatches']:,}",
        )
    )  # fmt: skip
    return table(head, rows, {1, 2})


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{part:+.1%}"


def _share(part: float | None) -> str:
    return share(part, 1) if part else "-"


def depthwise_shares(f: Mapping[str, Any]) -> list[float]:
    """Effective utilisation of the depthwise layers with the gateware's cycles."""
    return [e["effective_utilisation"] for e in _depthwise(f)]


def depthwise_busy(f: Mapping[str, Any]) -> list[float]:
    """Of the depthwise layers' cycles those in which the array worked, on however many channels."""
    return [round(e["busy"] / e["cycles"], 4) for e in _depthwise(f)]


def _depthwise(f: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [e for e in f["layers"] if e["kinds"][0] == Kind.DEPTHWISE_CONV_2D and e["cycles"]]
