"""Programs as no compiler makes them, and as the page allows them: at other places, with other numbers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ocellus.compiler.engine.image import LAYER_WORDS, STEP_WORDS, Program
from ocellus.formats import Arithmetic
from ocellus.layouts import Layout
from ocellus.program_formats import IMAGE_HEADER, LARGEST_SHIFT, LAYER, LINE_BITS, STEP, Epilogue

from .executor import Executor
from .executor_memory import NEVER

Fields = Mapping[str, int]
LEAST_SINGLE_BITS = 10
"""Of single rounding's multipliers, since a shift to the left may lose bits of a sum (docs/cnn.md)."""
LARGEST_HALVES = 600
"""Of a bias, in halves of the result: on either side of a byte's range."""


def moved(program: Program, seed: int) -> Program:
    """The same, at the far ends of all memories; what is reserved is anything."""
    rng = np.random.default_rng(seed)
    c = program.configuration
    layers = min(c.layers, 256, (c.program_words - STEP_WORDS * len(program.steps)) // LAYER_WORDS)
    in_front = layers - len(program.layers)
    tables = c.tables - len(program.tables)
    parameters = c.parameter_words - len(program.parameters)
    weights = c.weight_words - len(program.weights)
    further = c.lines * c.banks - 1 - _last_word(program)

    def with_places(fields: Fields, layout: Layout, *names: str) -> dict[str, int]:
        places = {}
        for name in names:
            word = fields[f"{name}_line"] * c.banks + fields[f"{name}_bank"] + further
            places[f"{name}_line"], places[f"{name}_bank"] = divmod(word % (c.banks << LINE_BITS), c.banks)
        return {**fields, **reserved(layout, rng), **places}

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


def _last_word(program: Program) -> int:
    """The last word of the activation memory that an inference writes: the executor tells."""
    executor = Executor(program.to_bytes())
    h = program.header
    for _ in executor.run(np.zeros((h["input_rows"], h["input_columns"], h["input_channels"]), np.int8)):
        pass
    return int(np.flatnonzero((executor.memory.writer != NEVER).any(axis=1))[-1])


def harsh(program: Program, seed: int) -> Program:
    """The same with parameters and terms from all of their range: at ties, beyond limits, with every shift."""
    rng = np.random.default_rng(seed)
    single = program.header["arithmetic"] == Arithmetic.SINGLE
    parameters = program.parameters.copy()
    for n, entry in enumerate(parameters.reshape(-1, 3)):
        if n // 4 % 2:  # the scale that it has, of a small multiplier
            smaller = int(rng.integers(min(LARGEST_SHIFT - _signed(entry[2]), 20) + 1))
            entry[1:] = entry[1] >> smaller, (_signed(entry[2]) + smaller) % 256
            continue
        shift = (n // 8 + 31 * seed) % (LARGEST_SHIFT + 32) - 31
        multiplier = _multiplier(rng, LEAST_SINGLE_BITS if single else 0)
        one = 2.0 ** (31 - shift) / multiplier  # a sum that becomes 1
        halves = int(rng.choice([-1, 1, *rng.integers(-LARGEST_HALVES, LARGEST_HALVES, 2)]))
        bias = round(halves / 2 * one) + int(rng.integers(-1, 2))
        entry[:] = min(max(bias, -(1 << 31)), (1 << 31) - 1) % (1 << 32), multiplier, shift % 256
    return replace(program, parameters=parameters, layers=tuple(_with_terms(layer, rng) for layer in program.layers))


def _signed(byte: int) -> int:
    return (int(byte) + 128) % 256 - 128


def _multiplier(rng: np.random.Generator, bits: int) -> int:
    """Of at least so many bits: as ``frexp`` makes them, one half, or any."""
    low = rng.choice([30, 30, int(rng.integers(bits, 31))])
    return int(rng.choice([1 << low, int(rng.integers(1 << low, 2 << low))]))


def _with_terms(layer: Fields, rng: np.random.Generator) -> Fields:
    """Those of an epilogue such that the largest sum or product becomes a byte, more or less."""
    epilogue = Epilogue(layer["epilogue"])
    if epilogue not in (Epilogue.ADD, Epilogue.MULTIPLY):
        return layer
    factors, shifts = (
        [_multiplier(rng, 0) for _ in range(3)],
        [int(rng.choice([0, 0, n])) for n in rng.integers(32, size=2)],
    )
    if rng.random() < 0.5:  # operands of a few bits: their lowest shows in the result
        factors[:2], shifts = map(int, rng.integers(1, 1 << 12, 2)), [int(n) for n in rng.integers(0, 2, 2)]
    # A byte is at most 2^8 away from its zero point; an addition scales it by 2^20 * factor / 2^31, shifted.
    largest = (
        2.0**16
        if epilogue == Epilogue.MULTIPLY
        else max(2.0 ** (28 - 31) * factor / 2**shift for factor, shift in zip(factors, shifts, strict=False))
    )
    whole = round(np.log2(2.0 ** (7 + 31) / max(largest, 1) / factors[2])) + int(rng.integers(-1, 3))
    terms = {f"multiplier_{n}": factor for n, factor in enumerate(factors, 1)}
    terms |= {"shift_1": shifts[0], "shift_2": shifts[1], "shift_3": int(np.clip(whole, -31, LARGEST_SHIFT))}
    terms |= {f"zero_point_{n}": int(rng.integers(-128, 128)) for n in (1, 2, 3)}
    if rng.random() < 0.3:
        terms["minimum_3"], terms["maximum_3"] = sorted(map(int, rng.integers(-128, 128, 2)))
    return {**layer, **terms}
