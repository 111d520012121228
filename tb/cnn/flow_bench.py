"""What the accelerator does between the sums: tensors one after the other, new networks, damaged images."""

from collections.abc import Callable
from typing import Any

import cocotb
import numpy as np

from ocellus.compiler.program import HEADER_WORDS, Program
from ocellus.errors import BadInput
from ocellus.formats import IMAGE_HEADER, LoadError
from ocellus_sim.cosim import Stall
from tb.cnn.engine import PATIENCE, Bytes, Engine, check_layers, tensor_words
from tb.frames import Words
from tb.oracle import random_input, random_network, run
from tb.oracle.builder import ModelBuilder, Quantisation


class Subject:
    """A network, its program, and what it makes of tensors."""

    def __init__(self, engine: Engine, model: bytes, name: str):
        self.model = model
        self.program = engine.compiled(model, name)

    @classmethod
    def random(cls, engine: Engine, suits: Callable[[Program], bool], first_seed: int = 0) -> "Subject":
        """The first random network from a seed on that fits and suits."""
        for seed in range(first_seed, first_seed + 200):
            name = f"chain {seed}"
            try:
                subject = cls(engine, random_network("chain", seed), name)
            except BadInput:
                continue
            if suits(subject.program):
                print(f"network: {name}")
                return subject
        raise AssertionError("no network suits")

    def tensor(self, seed: int) -> Bytes:
        """A random input."""
        return random_input(self.model, seed)

    def reference(self, x: Bytes) -> list[np.ndarray]:
        """Every operator's output."""
        return list(run(self.model, x).values())

    def check(self, engine: Engine, x: Bytes, what: str) -> None:
        """One tensor through the accelerator."""
        layers, output, _ = engine.infer(self.program, x)
        check_layers(self.program, self.reference(x), layers, output, what)


def releases_early(program: Program) -> bool:
    """The input is read by the first layers only, and long enough to tell."""
    number = [layer["releases_input"] for layer in program.layers].index(1)
    return number + 2 < len(program.layers) and program.header["input_bytes"] > 60


def waveform(changes: list[tuple[int, int]], end: int) -> np.ndarray:
    """A port's value in every clock."""
    values = np.zeros(end, np.int64)
    for at, value in changes:
        values[at:] = value
    return values


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def the_next_tensor_waits_until_the_input_is_released(dut):
    """Three tensors offered at once: the second enters while the first runs, not before the layer that releases."""
    engine = Engine(dut)
    bench = engine.bench
    subject = Subject.random(engine, releases_early)
    ready, valid, free = bench.watch("i__ready"), bench.watch("i__valid"), bench.watch("o_free")
    assert bench.get("o_free") == 0, "free without a network"
    engine.load(subject.program.words())
    assert bench.get("o_free") == 1
    tensors = [subject.tensor(n) for n in range(3)]
    counts = []
    outputs = []
    for x in tensors:
        engine.input.send(tensor_words(x))
    for _ in tensors:
        got, clocks = engine.await_outputs(subject.program, 1)
        outputs += got
        counts.append(clocks)

    layers = len(subject.program.layers)
    release = [layer["releases_input"] for layer in subject.program.layers].index(1)
    number = engine.layer_of(engine.tap.take())
    stamps = engine.tap.cycles()
    begins = [int(stamps[0]), *(int(stamps[n]) for n in np.flatnonzero(np.diff(number.astype(int)) < 0) + 1)]
    assert len(begins) == 3
    for x, output in zip(tensors, outputs, strict=True):
        wanted = subject.reference(x)[subject.program.host["layers"][-1]["operator"]]
        assert (wanted.ravel() == output).all(), "an output differs when tensors follow each other"

    end = bench.cycle
    taken = waveform(ready.changes(), end) & waveform(valid.changes(), end)
    is_free = waveform(free.changes(), end)
    assert not (taken & ~is_free).any(), "a byte was taken while the input memory was not free"
    at = np.flatnonzero(taken)
    size = subject.program.header["input_bytes"]
    assert len(at) == 3 * size
    ends = [clock - 1 for clock, busy in engine.busy_changes.changes() if not busy and clock > begins[0]]
    for n in range(2):
        in_run = (stamps >= begins[n]) & (stamps < ends[n])
        released = int(stamps[in_run & (number == release)][-1])
        first = int(at[(n + 1) * size])
        assert first > released, "the next tensor's first byte came before the layer that reads the input had ended"
        assert first < ends[n], f"the next tensor waited for all {layers} layers"
    # The count runs from the last byte, also where the tensor then waited for the network.
    assert counts == [ends[n] - int(at[(n + 1) * size - 1]) for n in range(3)]


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def results_leave_the_write_port_to_the_input_now_and_then(dut):
    """A layer with one step a group writes in every clock; the next tensor's bytes get in between all the same."""
    engine = Engine(dut)
    bench, c = engine.bench, engine.configuration
    random = np.random.default_rng(cocotb.RANDOM_SEED)
    model = ModelBuilder()
    x = model.input((1, 6, 6, c.lanes), Quantisation(0.05, 3))
    for channels in (c.lanes, 16 * c.columns):
        weights = random.integers(-127, 128, (channels, 1, 1, c.lanes))
        bias = random.integers(-999, 999, channels)
        x = model.convolution("CONV_2D", x, weights, bias, 0.01, Quantisation(0.2, -5))
    subject = Subject(engine, model.build(x), "two layers")
    assert [layer["releases_input"] for layer in subject.program.layers] == [1, 0]
    engine.load(subject.program.words())
    ready, valid = bench.watch("i__ready"), bench.watch("i__valid")
    tensors = [subject.tensor(n) for n in range(2)]
    for tensor in tensors:
        engine.input.send(tensor_words(tensor))
    for tensor in tensors:
        outputs, _ = engine.await_outputs(subject.program, 1)
        assert (subject.reference(tensor)[-1].ravel() == outputs[0]).all()
    end = bench.cycle
    at = np.flatnonzero(waveform(ready.changes(), end) & waveform(valid.changes(), end))
    gap = int(np.diff(at[subject.program.header["input_bytes"] :]).max())
    beats = -(-c.columns // c.requantisers)
    assert gap <= beats + 2, f"results kept the input off the write port for {gap} clocks"


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(stalled=["none", "in", "out", "both"])
async def a_stream_of_tensors_survives_stalls(dut, stalled: str):
    """Several tensors queued, both ends stalling: every layer of every one."""
    seed = cocotb.RANDOM_SEED
    stall_in = Stall(0.6 if stalled in ("in", "both") else 0.0, seed=seed)
    stall_out = Stall(0.7 if stalled in ("out", "both") else 0.0, seed=seed + 1)
    engine = Engine(dut, stall_in, stall_out)
    subject = Subject.random(engine, releases_early, first_seed=seed % 1000)
    engine.load(subject.program.words())
    tensors = [subject.tensor(seed + n) for n in range(4)]
    for x in tensors:
        engine.input.send(tensor_words(x))
    for n, x in enumerate(tensors):
        outputs, _ = engine.await_outputs(subject.program, 1)
        wanted = subject.reference(x)[subject.program.host["layers"][-1]["operator"]]
        assert (wanted.ravel() == outputs[0]).all(), f"tensor {n} differs"
    assert engine.bench.run(2000, idle=500) == "idle"
    assert len(engine.output.take()) == 0, "more came out than went in"


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_new_network_waits_for_the_running_one(dut):
    """Loading begins when the output has left; then the old network is gone with the tensor that waited for it."""
    engine = Engine(dut)
    bench = engine.bench
    old, new = Subject.random(engine, releases_early), Subject.random(engine, releases_early, first_seed=100)
    engine.load(old.program.words())
    x = old.tensor(1)
    engine.input.send(tensor_words(x))
    assert bench.run(PATIENCE, until=bench.port("o_busy").equals(1)) == "reached"
    engine.input.send(tensor_words(old.tensor(9)))
    engine.image.send(new.program.words().astype(np.uint64))
    outputs, _ = engine.await_outputs(old.program, 1)
    check_layers(old.program, old.reference(x), engine.layers_written(old.program), outputs[0], "old network")
    assert bench.run(PATIENCE, until=engine.image.empty) == "reached"
    bench.run(8)
    assert engine.status == {"loaded": 1, "loading": 0, "error": 0, "network_id": new.program.network_id}
    assert engine.input.waiting == 0, "the old network's next tensor did not come in while it ran"
    new.check(engine, new.tensor(2), "new network")


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_network_loaded_amid_a_tensor_drops_the_rest_of_it(dut):
    """The half that came is forgotten, the half that comes is swallowed, the next tensor runs."""
    engine = Engine(dut)
    bench = engine.bench
    subject, other = Subject.random(engine, releases_early), Subject.random(engine, releases_early, first_seed=100)
    engine.load(subject.program.words())
    words = tensor_words(subject.tensor(1))
    engine.input.send(words[:20])
    assert bench.run(1000, until=engine.input.empty) == "reached"
    engine.load(other.program.words())
    engine.input.send(words[20:])
    assert bench.run(1000, until=engine.input.empty) == "reached"
    bench.run(500)
    assert bench.get("o_busy") == 0
    assert len(engine.tap) == 0
    other.check(engine, other.tensor(3), "after the dropped tensor")


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def tensors_of_a_wrong_length_do_not_lead_astray(dut):
    """One tensor in, one tensor out, whatever its length; the next one is right."""
    engine = Engine(dut)
    subject = Subject.random(engine, releases_early)
    engine.load(subject.program.words())
    x = subject.tensor(5)
    subject.check(engine, x, "before")
    for wrong in (x.ravel()[:-7], np.append(x.ravel(), np.zeros(300, np.int8)), x.ravel()[:1]):
        engine.input.send(tensor_words(wrong))
        engine.await_outputs(subject.program, 1)
        engine.tap.take()
    subject.check(engine, subject.tensor(6), "after")


def changed(words: Words, **fields: int) -> Words:
    """An image whose header was changed; its checksum is that of the original."""
    header = IMAGE_HEADER.unpack(sum(int(word) << 32 * n for n, word in enumerate(words[:HEADER_WORDS])))
    return np.append(np.array(IMAGE_HEADER.words({**header, **fields}), np.uint64), words[HEADER_WORDS:])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def damaged_images_are_refused_and_the_next_one_runs(dut):
    """Each damage by its name; after a reset the accelerator runs a good image as before."""
    engine = Engine(dut)
    subject = Subject.random(engine, releases_early)
    good = subject.program.words().astype(np.uint64)
    c = engine.configuration
    damages: dict[LoadError, list[Any]] = {
        LoadError.MAGIC: [changed(good, magic=0)],
        LoadError.VERSION: [changed(good, version=2), changed(good, arithmetic=1)],
        LoadError.CONFIGURATION: [changed(good, columns=c.columns + 1)],
        LoadError.TOO_LARGE: [changed(good, weight_words=c.weight_words + 1), changed(good, layers=c.layers + 1)],
        LoadError.CHECKSUM: [
            np.where(np.arange(len(good)) == at, good ^ np.uint64(1), good) for at in (15, len(good) // 2)
        ],
    }
    for error, images in damages.items():
        for image in images:
            engine.load(good)
            engine.send_image(image)
            assert engine.status == {"loaded": 0, "loading": 0, "error": error, "network_id": 0}
            assert engine.bench.get("o_free") == 0
            engine.forget_image()
    for length in (1, HEADER_WORDS, len(good) // 2, len(good) - 1):
        engine.send_image(good[:length])
        assert engine.status["loading"] == 1
        engine.forget_image()
        assert engine.status == {"loaded": 0, "loading": 0, "error": 0, "network_id": 0}
    engine.load(good)
    subject.check(engine, subject.tensor(7), "after the damaged images")
