"""Programs of random and public networks, executed literally, equal the golden network in every tensor."""

import numpy as np
import pytest

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus.compiler.engine.image import Program
from ocellus.compiler.graph import Network
from ocellus.compiler.tflite_file import parse_network, read_network
from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.errors import BadInput
from ocellus.formats import Arithmetic
from ocellus_sim.compare import first_difference
from ocellus_sim.golden import cnn
from tb import oracle
from tb.cnn.corners import REFUSED
from tb.cnn.executor import Executor
from tb.oracle.public import needs_data, tflite_path

AXES = ("row", "column", "channel")
SEEDS_A_KIND = 6


def assert_program_equals_golden(
    network: Network,
    sizes: Configuration,
    x: np.ndarray,
    eager: bool = True,
    goal: Goal = Goal.THROUGHPUT,
    activation_bytes: int | None = None,
    arithmetic: Arithmetic = Arithmetic.DOUBLE,
    want: dict[str, np.ndarray] | None = None,
) -> Program:
    """Every row of every layer as the step writes it, and the output as the outlet hands it on."""
    program = compile_network(network, sizes, goal=goal, activation_bytes=activation_bytes, arithmetic=arithmetic)
    want = cnn.run(network, x, arithmetic) if want is None else want
    executor = Executor(program.to_bytes(), eager)
    for result in executor.run(x):
        told = program.host["layers"][result.layer]
        if told["tensor"] is None:
            continue
        rows, columns, channels = told["shape"]
        top, left, first = told["origin"]
        down, right = told["row_column_step"]
        tensor = want[told["tensor"]]
        if tensor.size == rows * columns * channels:
            part = tensor.reshape(rows, columns, channels)
        else:
            tensor = tensor.reshape(network.tensors[told["tensor"]].picture)
            part = tensor[top : top + rows * down : down, left : left + columns * right : right]
            part = part[:, :, first : first + channels]
        got = result.values[:, :, :channels]
        what = f"{sizes.name}: step {result.step}, {told['tensor']} from row {result.row}"
        difference = first_difference(what, part[result.row : result.row + len(got)], got, AXES)
        assert difference is None, difference
    output = (want | {network.input: x})[program.host["output"]["name"]]
    assert np.array_equal(executor.output().ravel(), output.ravel())
    return program


@pytest.mark.parametrize("sizes", CONFIGURATIONS.values(), ids=list(CONFIGURATIONS))
@pytest.mark.parametrize("kind", oracle.EVERY_KIND)
def test_random_networks_equal_golden(kind, sizes):
    refused = []
    for seed in range(SEEDS_A_KIND):
        model = oracle.random_network(kind, seed)
        network, x = parse_network(model), int8(oracle.random_input(model, seed))
        try:
            assert_program_equals_golden(network, sizes, x, eager=bool(seed % 2))
        except BadInput as error:
            refused.append(str(error))
    assert not refused or kind in REFUSED, refused


@pytest.mark.parametrize("kind", oracle.EVERY_KIND)
def test_random_networks_equal_golden_in_single_rounding(kind):
    refused = []
    for seed in range(SEEDS_A_KIND):
        model = oracle.random_network(kind, seed)
        network, x = parse_network(model), int8(oracle.random_input(model, seed))
        try:
            assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], x, arithmetic=Arithmetic.SINGLE)
        except BadInput as error:
            refused.append(str(error))
    assert not refused or kind in REFUSED, refused


def int8(x: np.ndarray) -> np.ndarray:
    """uint8 files are read as 128 less."""
    return x if x.dtype == np.int8 else (x ^ 0x80).view(np.int8)


def programs_of_less_memory(network: Network, sizes: Configuration, x: np.ndarray) -> tuple[int, str]:
    """How many fit when memory shrinks by a fifth each time, and what the last refusal says; all equal golden."""
    limit = compile_network(network, sizes).host["activation_bytes"]
    for count in range(100):
        limit = limit * 4 // 5
        try:
            program = assert_program_equals_golden(network, sizes, x, bool(count % 2), Goal.LATENCY, limit)
        except BadInput as refusal:
            return count, str(refusal)
        assert program.host["activation_bytes"] <= limit
    raise AssertionError("memory without end")


@pytest.mark.parametrize("sizes", CONFIGURATIONS.values(), ids=list(CONFIGURATIONS))
def test_less_memory_means_other_steps_and_the_same_results(sizes):
    """Steps of few rows, rings and shared words, under all the checks of the executor."""
    smaller = 0
    for seed in range(24):
        model = oracle.random_network("chain", seed)
        count, refusal = programs_of_less_memory(parse_network(model), sizes, oracle.random_input(model, seed))
        assert "bytes of activations" in refusal
        smaller += count
    assert smaller >= 12


@needs_data
@pytest.mark.parametrize(
    ("name", "limit", "most_clocks"),
    [
        ("vww_96_int8", None, 57_000),
        ("vww_96_int8", 24 * 1024, 57_000),
        ("pretrainedResnet_quant", None, 94_000),
        ("kws_ref_model", None, 21_000),
    ],
)
def test_public_networks_equal_golden(name, limit, most_clocks):
    network = read_network(tflite_path(name))
    x = np.random.default_rng(1).integers(-128, 128, network.input_tensor.shape, np.int8)
    program = assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], x, activation_bytes=limit)
    host = program.host
    print(f"{name}: {host['activation_bytes']} bytes, {len(program.steps)} steps, {host['clocks']} clocks")
    assert host["clocks"] <= most_clocks
    assert limit is None or host["activation_bytes"] <= limit
