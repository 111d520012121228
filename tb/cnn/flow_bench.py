"""What the accelerator does between the sums: tensors one after the other, new networks, damaged images."""

import cocotb
import numpy as np

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.image import HEADER_WORDS, LAYER_WORDS, STEP_WORDS
from ocellus.compiler.tflite_file import parse_network
from ocellus.errors import BadInput
from ocellus.formats import LoadError
from ocellus.program_formats import IMAGE_HEADER, IMAGE_MAGIC, IMAGE_VERSION
from ocellus_sim.cosim import Stall
from ocellus_sim.golden import cnn
from tb.cnn.corners import corner
from tb.cnn.rig import PATIENCE, Bytes, Rig, beats
from tb.frames import Words
from tb.oracle import random_input, random_network

LOADING = "cnn loading"
"""The group of these situations in tb/coverage.toml."""


class Subject:
    """A network, its program, and what it makes of tensors."""

    def __init__(self, rig: Rig, model: bytes, name: str):
        self.model = model
        self.network = parse_network(model, name)
        self.program = compile_network(self.network, rig.configuration)

    @classmethod
    def random(cls, rig: Rig, first_seed: int = 0) -> "Subject":
        """The first random network from a seed on that fits, with a few layers and an input of a few rows."""
        for seed in range(first_seed, first_seed + 200):
            try:
                subject = cls(rig, random_network("chain", seed), f"chain {seed}")
            except BadInput:
                continue
            program = subject.program
            if len(program.layers) > 2 and program.input_bytes > 60 and program.header["input_rows"] > 2:
                print(f"network: chain {seed}")
                return subject
        raise AssertionError("no network suits")

    def tensor(self, seed: int) -> Bytes:
        """A random input."""
        return random_input(self.model, seed)

    def check(self, rig: Rig, x: Bytes, what: str) -> None:
        """The output that waits at the accelerator is that of ``x``."""
        layers = cnn.run(self.network, x)
        want = layers[self.program.host["output"]["name"]].ravel()
        assert (rig.await_output(self.program) == want).all(), f"{what}: the output differs"


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(stalled=["none", "in", "out", "both"])
async def tensors_follow_each_other_whatever_stalls(dut, stalled: str):
    """Several tensors queued, both ends stalling: one output each, in order, and nothing else."""
    seed = cocotb.RANDOM_SEED
    stall_in = Stall(0.6 if stalled in ("in", "both") else 0.0, seed=seed)
    stall_out = Stall(0.7 if stalled in ("out", "both") else 0.0, seed=seed + 1)
    rig = Rig(dut, stall_in, stall_out)
    assert rig.bench.get("o_free") == 0, "free without a network"
    subject = Subject.random(rig, first_seed=seed % 1000)
    rig.load(subject.program.words())
    assert rig.bench.get("o_free") == 1
    tensors = [subject.tensor(seed + n) for n in range(4)]
    for x in tensors:
        rig.input.send(beats(x))
    for n, x in enumerate(tensors):
        subject.check(rig, x, f"tensor {n}")
    assert rig.bench.run(2000, idle=500) == "idle"
    assert len(rig.output.take()) == 0, "more came out than went in"
    assert rig.bench.get("o_free") == 1


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def words_of_one_byte_leave_whole_when_a_stalled_output_runs_on(dut):
    """A word is asked for and another one leaves in one clock: when an output that was stalled runs on."""
    rig = Rig(dut, stall_out=Stall(0.9, seed=cocotb.RANDOM_SEED))
    subject = Subject(rig, corner("one channel"), "one channel")
    rig.load(subject.program.words())
    for n in range(4):
        x = subject.tensor(n)
        rig.input.send(beats(x))
        subject.check(rig, x, f"tensor {n}")


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_new_network_waits_for_the_running_one(dut):
    """Loading begins when the output has left; a tensor that waits meets the new network."""
    rig = Rig(dut)
    bench = rig.bench
    old, new = Subject.random(rig), Subject.random(rig, first_seed=100)
    rig.load(old.program.words())
    x, y = old.tensor(1), new.tensor(2)
    rig.input.send(beats(x))
    assert bench.run(PATIENCE, until=rig.input.empty) == "reached"
    rig.input.send(beats(y))
    rig.image.send(new.program.words().astype(np.uint64))
    bench.run(2)
    assert bench.get("o_free") == 0, "no inference is under way when the image is offered"
    assert rig.status["loading"] == 0, "the image comes while one is"
    old.check(rig, x, "old network")
    assert bench.run(PATIENCE, until=rig.image.empty) == "reached"
    bench.run(8)
    assert rig.status == {"loaded": 1, "loading": 0, "error": 0, "network_id": new.program.network_id}
    new.check(rig, y, "new network")
    bench.cover([(LOADING, "while another runs")])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_network_loaded_amid_a_tensor_drops_the_rest_of_it(dut):
    """What came is forgotten, what comes is swallowed, the next tensor runs: wherever the tensor was cut."""
    rig = Rig(dut)
    bench = rig.bench
    subject, other = Subject.random(rig), Subject.random(rig, first_seed=100)
    words = beats(subject.tensor(1))
    for at in (1, 20, len(words) // 2, len(words) - 1):
        rig.load(subject.program.words())
        rig.input.send(words[:at])
        assert bench.run(PATIENCE, until=rig.input.empty) == "reached"
        rig.load(other.program.words())
        rig.input.send(words[at:])
        assert bench.run(1000, until=rig.input.empty) == "reached"
        bench.run(500)
        assert bench.get("o_busy") == 0
        x = other.tensor(3 + at)
        rig.input.send(beats(x))
        other.check(rig, x, f"after a tensor dropped at byte {at}")
    bench.cover([(LOADING, "amid a tensor")])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def tensors_of_a_wrong_length_do_not_lead_astray(dut):
    """One tensor in, one tensor out, whatever its length; the next one is right."""
    rig = Rig(dut)
    subject = Subject.random(rig)
    rig.load(subject.program.words())
    x = subject.tensor(5)
    flat, h = x.ravel(), subject.program.header
    pixel = h["input_channels"]
    row = h["input_columns"] * pixel
    cut = [flat[:n] for n in (1, pixel, row - pixel, row - 1, row, row + 1, 2 * row, flat.size - row, flat.size - 7)]
    for wrong in (*cut, np.append(flat, np.zeros(300, np.int8))):
        rig.input.send(beats(x))
        subject.check(rig, x, "before")
        rig.input.send(beats(wrong))
        rig.await_output(subject.program)
    rig.input.send(beats(x))
    subject.check(rig, x, "after")
    rig.bench.cover([(LOADING, "tensor too short"), (LOADING, "tensor too long")])


def changed(words: Words, **fields: int) -> Words:
    """An image whose header was changed; its checksum is that of the original."""
    header = IMAGE_HEADER.unpack(sum(int(word) << 32 * n for n, word in enumerate(words[:HEADER_WORDS])))
    return np.append(np.array(IMAGE_HEADER.words({**header, **fields}), np.uint64), words[HEADER_WORDS:])


def wrong_bits(words: Words, field: str, right: int) -> list[Words]:
    """Images with one bit of a header's field wrong, each in turn."""
    return [changed(words, **{field: right ^ 1 << bit}) for bit in range(IMAGE_HEADER.field(field).bits)]


def beyond(words: Words, field: str, limit: int) -> list[Words]:
    """Images with a header's field above its limit by 1, 2, 4 and so on."""
    most = (1 << IMAGE_HEADER.field(field).bits) - 1
    return [changed(words, **{field: limit + (1 << bit)}) for bit in range(32) if limit + (1 << bit) <= most]


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def damaged_images_are_refused_and_the_next_one_runs(dut):
    """Each damage by its name; after a reset the accelerator runs a good image as before."""
    rig = Rig(dut)
    subject = Subject.random(rig)
    good = subject.program.words().astype(np.uint64)
    c = rig.configuration
    damages: dict[LoadError, list[Words]] = {
        LoadError.MAGIC: [changed(good, magic=0), *wrong_bits(good, "magic", IMAGE_MAGIC)],
        LoadError.VERSION: [*wrong_bits(good, "version", IMAGE_VERSION), changed(good, arithmetic=2)],
        LoadError.CONFIGURATION: [
            image
            for name in ("word", "windows", "inputs", "outputs")
            for image in wrong_bits(good, name, getattr(c, name))
        ],
        LoadError.TOO_LARGE: [
            *beyond(good, "weight_words", c.weight_words),
            *beyond(good, "parameter_words", c.parameter_words),
            *beyond(good, "tables", c.tables),
            *beyond(good, "layers", c.layers),
            changed(good, layers=0),
            changed(good, steps=0),
            *beyond(good, "steps", (c.program_words - LAYER_WORDS * len(subject.program.layers)) // STEP_WORDS),
            *beyond(good, "unfold_bytes", c.unfold_bytes),
        ],
        LoadError.CHECKSUM: [
            np.where(np.arange(len(good)) == at, good ^ np.uint64(1), good)
            for at in (HEADER_WORDS - 1, len(good) // 2, len(good) - 1)
        ],
    }
    for error, images in damages.items():
        for image in images:
            rig.load(good)
            rig.send_image(image)
            assert rig.status == {"loaded": 0, "loading": 0, "error": error, "network_id": 0}
            assert rig.bench.get("o_free") == 0
            rig.forget_image()
        rig.bench.cover([(LOADING, error.name.lower().replace("_", " "))])
    for length in (1, HEADER_WORDS, len(good) // 2, len(good) - 1):
        rig.send_image(good[:length])
        assert rig.status["loading"] == 1
        rig.forget_image()
        assert rig.status == {"loaded": 0, "loading": 0, "error": 0, "network_id": 0}
    rig.bench.cover([(LOADING, "cut short")])
    rig.load(good)
    x = subject.tensor(7)
    rig.input.send(beats(x))
    subject.check(rig, x, "after the damaged images")
