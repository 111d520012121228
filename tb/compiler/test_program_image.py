"""The program image computes what the network computes, and says so when it is damaged."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocellus.compiler.assembly import compile_network
from ocellus.compiler.graph import Kind
from ocellus.compiler.memory import areas, plan_memory
from ocellus.compiler.program import Program
from ocellus.compiler.schedule import schedule
from ocellus.compiler.tflite_file import parse_network, read_network
from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.errors import BadInput
from ocellus.formats import IMAGE_HEADER, LAYER, LayerOp
from ocellus_sim.compare import first_difference
from ocellus_sim.golden import cnn
from tb import oracle
from tb.compiler.interpreter import run_image
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.public import NETWORKS, needs_data, tflite_path

# One requantiser width that does not divide, and more columns than lanes: numbers that the named ones do not have.
ODD = Configuration("odd", 4, 7, 3, weight_words=1 << 16, parameter_words=1 << 14, activation_bytes=1 << 17, layers=64)
TARGETS = [*CONFIGURATIONS.values(), ODD]
SEEDS_A_KIND = 14


def program_of(kind: str, seed: int, configuration: Configuration) -> Program:
    return compile_network(parse_network(oracle.random_network(kind, seed)), configuration)


@pytest.mark.parametrize("configuration", TARGETS, ids=lambda c: c.name)
@pytest.mark.parametrize("kind", oracle.KINDS)
def test_the_image_read_literally_gives_the_golden_tensors(kind, configuration):
    for seed in range(SEEDS_A_KIND):
        model = oracle.random_network(kind, seed)
        network = parse_network(model)
        program = compile_network(network, configuration)
        x = oracle.random_input(model, seed)
        want, got = cnn.run(network, x), run_image(program, x)
        skipped = {o.output for o in network.operators if o.kind in (Kind.RESHAPE, Kind.SOFTMAX)}
        assert set(got) == set(want) - skipped
        for name, tensor in got.items():
            difference = first_difference(f"{kind} seed {seed} {configuration.name}: {name}", want[name], tensor)
            assert difference is None, difference


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_an_image_survives_the_way_through_a_file(kind):
    for configuration in TARGETS:
        program = program_of(kind, 3, configuration)
        again = Program.from_bytes(program.to_bytes())
        assert again.to_bytes() == program.to_bytes()
        assert dict(again.header) == dict(program.header)
        assert again.host == program.host


def test_the_words_lie_as_the_formats_say():
    program = program_of("chain", 11, CONFIGURATIONS["ecp5"])
    words = program.words()
    header = IMAGE_HEADER.unpack(int.from_bytes(words[:12].tobytes(), "little"))
    assert bytes(words[:1].tobytes()) == b"OCNN"
    layer_words = -(-LAYER.bits // 32)
    assert (
        len(words)
        == 12 + header["layers"] * layer_words + header["parameter_words"] * 4 * 3 + (header["weight_words"] * 36) + 1
    )
    first = LAYER.unpack(int.from_bytes(words[12 : 12 + layer_words].tobytes(), "little"))
    assert first["in_address"] == header["input_address"]
    assert [layer["last"] for layer in program.layers] == [0] * (len(program.layers) - 1) + [1]


@pytest.mark.parametrize("seed", range(40))
def test_tensors_alive_together_never_share_a_byte(seed):
    network = parse_network(oracle.random_network("chain", seed))
    plan = schedule(network)
    memory = plan_memory(plan)
    found = areas(plan)
    assert {a.name for a in found} == set(memory.addresses)
    for i, a in enumerate(found):
        for b in found[i + 1 :]:
            apart = memory.addresses[a.name] + a.size <= memory.addresses[b.name] or (
                memory.addresses[b.name] + b.size <= memory.addresses[a.name]
            )
            assert apart or not a.meets(b), f"seed {seed}: {a} and {b}"
            assert apart or plan.input not in (a.name, b.name), f"seed {seed}: {a} and {b} share the input area"


@pytest.mark.parametrize("seed", range(40))
def test_the_input_is_released_behind_its_last_reader(seed):
    program = program_of("chain", seed, CONFIGURATIONS["ecp5"])
    low = program.header["input_address"]
    high = low + program.header["input_bytes"]
    readers = []
    for number, layer in enumerate(program.layers):
        sources = [layer["in_address"]] + ([layer["in2_address"]] if layer["op"] == LayerOp.ADD else [])
        if any(low <= address < high for address in sources):
            readers.append(number)
    released = [number for number, layer in enumerate(program.layers) if layer["releases_input"]]
    assert released == [max(readers)]


def test_memory_is_used_again():
    """Four layers in a row need room for two tensors and the input, not for four."""
    model, q = ModelBuilder(), Quantisation(0.1)
    x = model.input((1, 8, 8, 4), q)
    for _ in range(4):
        x = model.pool("MAX_POOL_2D", x, (1, 1), (1, 1))
    assert plan_memory(schedule(parse_network(model.build(x)))).size == 3 * 256


def test_a_chain_of_unlike_layers_takes_its_largest_pair_of_neighbours():
    model, q = ModelBuilder(), Quantisation(0.1)
    x = model.input((1, 4, 4, 1), q)
    sizes = [16]
    for channels in (20, 31, 12, 40, 7, 33, 25, 18):
        x = model.convolution("CONV_2D", x, np.ones((channels, 1, 1, x.shape[3])), np.zeros(channels), 0.1, q)
        sizes.append(16 * channels)
    pairs = [a + b for a, b in pairwise(sizes[1:])]
    assert plan_memory(schedule(parse_network(model.build(x)))).size == 16 + max(pairs)


@needs_data
@pytest.mark.parametrize("name", NETWORKS)
def test_the_public_networks_fit_the_default_configuration(name):
    program = compile_network(read_network(tflite_path(name)), CONFIGURATIONS["ecp5"])
    assert program.host["left_to_host"][0]["kind"] == "SOFTMAX"
    assert len(Program.from_bytes(program.to_bytes()).layers) == len(program.layers)


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("layers", 1, "configuration 'ecp5': found 2 layers, allowed 1"),
        ("weight_words", 3, "weight words, allowed 3; operator "),
        ("parameter_words", 1, "parameter words, allowed 1; operator "),
        ("activation_bytes", 200, "bytes of activations, allowed 200; operator "),
    ],
)
def test_what_does_not_fit_is_refused_with_the_layer_that_needs_most(limit, value, text):
    small = replace(CONFIGURATIONS["ecp5"], **{limit: value})
    model, q = ModelBuilder(), Quantisation(0.1)
    x = model.input((1, 5, 5, 20), q)
    for _ in range(2):
        weights, bias = np.ones((20, 3, 3, 20)), np.zeros(20)
        x = model.convolution("CONV_2D", x, weights, bias, 0.1, q)
    with pytest.raises(BadInput) as refused:
        compile_network(parse_network(model.build(x)), small)
    assert text in str(refused.value)


def test_a_dimension_beyond_the_descriptor_is_refused():
    large = replace(CONFIGURATIONS["ecp5"], activation_bytes=1 << 20)
    model, q = ModelBuilder(), Quantisation(0.1)
    x = model.input((2, 300, 300, 1), q)
    with pytest.raises(BadInput, match=r"operator 0 \(ADD\): Layer.in_h: found 180000, allowed 0 to 65535"):
        compile_network(parse_network(model.build(model.add(x, x, q))), large)


def test_a_network_without_work_is_refused():
    model = ModelBuilder()
    x = model.input((1, 2, 2, 3), Quantisation(0.1))
    with pytest.raises(BadInput, match="an output that needs no layer"):
        compile_network(parse_network(model.build(model.reshape(x, (1, 12)))), CONFIGURATIONS["tiny"])


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "found mark"),
        (4, "found version"),
        (6, "found arithmetic"),
        (9, "lanes"),
        (20, "bytes, allowed"),
        (60, "the accelerator's part: found CRC"),
        (-8, "the host's part: found CRC"),
        (-1, "the host's part: found CRC"),
    ],
)
def test_a_damaged_image_is_refused(at, text):
    content = bytearray(program_of("conv", 5, CONFIGURATIONS["tiny"]).to_bytes())
    content[at] ^= 0x40
    with pytest.raises(BadInput, match=r"image\.ocnn: ") as refused:
        Program.from_bytes(bytes(content), "image.ocnn")
    if at != 9:  # more lanes than fit is a matter of lengths
        assert text in str(refused.value)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_bytes_are_an_image_or_are_refused(data):
    whole = program_of("chain", 2, CONFIGURATIONS["tiny"]).to_bytes()
    content = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if bytes(content) == whole:
        Program.from_bytes(whole)
    else:
        with pytest.raises(BadInput):
            Program.from_bytes(bytes(content))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_image(content):
    with pytest.raises(BadInput):
        Program.from_bytes(b"OCNN" + content)


def test_a_missing_image_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        Program.load(tmp_path / "none.ocnn")
