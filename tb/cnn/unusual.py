"""Programs as no compiler makes them, and as the page allows them: at other places, with other numbers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ocellus.compiler.engine.image import LAYER_WORDS, STEP_WORDS, Program
from ocellus.formats import Arithmetic
from ocellus.layouts import Layout
from ocellus.program_formats import IMAGE_HEADER, LAYER, LINE_BITS, STEP, Epilogue

from .executor import Executor
from .executor_memory import NEVER

Fields = Mapping[str, int]


def moved(program: Program, seed: int) -> Program:
    """The same, at the far ends of all memories; what is reserved is anything."""
    rng = np.random.default_rng(seed)
    c = program.configuration
    layers = min(c.layers, 256, (c.program_words - STEP_WORDS * len(program.steps)) // LAYER_WORDS)
    in_front = layers - len(program.layers)
    tables = c.tables - len(program.tables)
    parameters = c.parameter_words - len(program.parameters)
    weights = c.weight_words - len(program.weights)
    lines = c.lines - 1 - _last_line(program)

    def with_places(fields: Fields, layout: Layout, *names: str) -> dict[str, int]:
        lower = {f"{name}_line": (fields[f"{name}_line"] + lines) % (1 << LINE_BITS) for name in names}
        return {**fields, **reserved(layout, rng), **lower}

    def layer(fields: Fields) -> dict[str, int]:
        changes = {
            "weight_base": fields["weight_base"] + weights,
            "parameter_base": fields["parameter_base"] + parameters,
            "table": fields["table"] + tables * (fields["epilogue"] == Epilogue.TABLE),
        }
        return {**fields, **reserved(LAYER, rng), **changes}

    def anything(*shape: int) -> np.ndarray:
        return rng.integers(-128, 128, shape).astype(np.int8)

    unused = [LAYER.unpack(int.from_bytes(rng.bytes(4 * LAYER_WORDS), "little")) for _ in range(in_front)]
    steps = (with_places(step, STEP, "in", "out") for step in program.steps)
    no_parameters = rng.integers(0, 1 << 32, (parameters, *program.parameters.shape[1:]), dtype=np.uint32)
    no_parameters[..., 2] &= 0xFF
    told = program.host["layers"]
    return Program.assemble(
        with_places(program.header, IMAGE_HEADER, "input", "output"),
        (*unused, *map(layer, program.layers)),
        tuple({**step, "layer": step["layer"] + in_front} for step in steps),
        np.concatenate([anything(tables, 256), program.tables]),
        np.concatenate([no_parameters, program.parameters]),
        np.concatenate([anything(weights, program.weights.shape[1]), program.weights]),
        {**program.host, "layers": [told[0]] * in_front + list(told)},
    )


def reserved(layout: Layout, rng: np.random.Generator) -> dict[str, int]:
    """Values of what is reserved in a layout."""
    fields = (field for field in layout.fields if field.name.startswith("reserved"))
    return {field.name: int(rng.integers(1 << field.bits)) for field in fields}


def _last_line(program: Program) -> int:
    executor = Executor(program.to_bytes())
    h = program.header
    for _ in executor.run(np.zeros((h["input_rows"], h["input_columns"], h["input_channels"]), np.int8)):
        pass
    used = np.flatnonzero((executor.memory.writer != NEVER).any(axis=1))
    return int(used[-1]) // program.configuration.banks


def harsh(program: Program, seed: int) -> Program:
    """The same with parameters and terms from all of their range: near ties, beyond limits, with every shift."""
    rng = np.random.default_rng(seed)
    single = program.header["arithmetic"] == Arithmetic.SINGLE
    parameters = program.parameters.copy()
    largest = 30 if single else 31
    for entry in parameters.reshape(-1, 3):
        if rng.random() < 0.5:  # the scale that it has, of a small multiplier
            smaller = int(rng.integers(min(largest - _signed(entry[2]), 20) + 1))
            entry[1:] = entry[1] >> smaller, (_signed(entry[2]) + smaller) % 256
            continue
        shift = int(rng.choice([-31, -30, *rng.integers(-31, largest + 1, 8)]))
        multiplier = _multiplier(rng, 10 if single else 0)
        one = 2.0 ** (31 - shift) / multiplier  # a sum that becomes 1
        reach = min(300, int(2.0**32 / one)) or 1
        bias = round(int(rng.integers(-reach, reach + 1)) / 2 * one) + int(rng.integers(-1, 2))
        entry[:] = min(max(bias, -(1 << 31)), (1 << 31) - 1) % (1 << 32), multiplier, shift % 256
    return replace(program, parameters=parameters, layers=tuple(_with_terms(layer, rng) for layer in program.layers))


def _signed(byte: int) -> int:
    return (int(byte) + 128) % 256 - 128


def _multiplier(rng: np.random.Generator, bits: int) -> int:
    """Of at least so many bits: as ``frexp`` makes them, one half, or any."""
    low = rng.choice([30, 30, int(rng.integers(bits, 31))])
    return int(rng.choice([1 << low, int(rng.integers(1 << low, 2 << low))]))


def _with_terms(layer: Fields, rng: np.random.Generator) -> Fields:
    """Those of an epilogue such that a sum's or a product's result is a byte's size, more or less."""
    minimum, maximum = sorted(map(int, rng.integers(-128, 128, 2)))
    limits = {"minimum_3": minimum, "maximum_3": maximum} if rng.random() < 0.3 else {}
    a, b, c = (_multiplier(rng, 0) for _ in range(3))
    e, f = (int(rng.choice([0, 0, int(rng.integers(32))])) for _ in range(2))
    if rng.random() < 0.5:  # operands of a few bits: their lowest shows in the result
        a, b, e, f = (int(n) for n in (*rng.integers(1, 1 << 12, 2), *rng.integers(0, 2, 2)))
    sizes = {Epilogue.ADD: max(a * 2.0 ** (-4 - e), b * 2.0 ** (-4 - f)), Epilogue.MULTIPLY: 2.0**13}
    size = sizes.get(Epilogue(layer["epilogue"]))
    if size is None:
        return layer
    shift = round(np.log2(2.0**38 / max(size, 1) / c)) + int(rng.integers(-1, 3))
    terms = {"multiplier_1": a, "multiplier_2": b, "multiplier_3": c, "shift_1": e, "shift_2": f}
    zero_points = {f"zero_point_{n}": int(rng.integers(-128, 128)) for n in (1, 2, 3)}
    return {**layer, **terms, **zero_points, **limits, "shift_3": int(np.clip(shift, -31, 31))}
