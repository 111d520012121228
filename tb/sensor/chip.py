"""The whole sensor on the bench: set up through its registers, fed with frames, looked at through its taps."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ocellus import formats
from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus.compiler.graph import Network
from ocellus.configurations import Configuration, configuration
from ocellus.formats import Mode, PacketType, Pattern
from ocellus.program_formats import CNN_SPENT
from ocellus.settings import ReadoutSettings
from ocellus_sim.compare import first_difference
from ocellus_sim.cosim import Bench, Stall
from ocellus_sim.coverage.situations.program import of_program
from ocellus_sim.golden import link as golden_link
from ocellus_sim.golden import readout as golden_readout
from ocellus_sim.golden import sensor as golden
from ocellus_sim.golden.sensor import Passage, SensorSettings
from ocellus_sim.verify.comparison import part_of
from ocellus_sim.verify.tap import Tapped
from tb.frames import Words, unpacked
from tb.link.packets import packets_of, types_of

CONFIGURATION = configuration("tiny")
CAPACITY = 1 << 18
QUIET = 3000
"""So many clocks without a handshake, taps included: nothing is on its way any more."""


MODES = {Mode.METADATA: "metadata", Mode.IMAGE: "image", Mode.IMAGE_AND_METADATA: "image+metadata", 3: "reserved"}


class Chip:
    """The sensor with its settings and its network.

    ``observe`` fetches what has passed the taps since the last look; the checks compare it with the golden chain.
    """

    def __init__(
        self, dut, settings: SensorSettings, network: Network, mode: Mode | int,
        stall_in: float = 0.0, stall_out: float = 0.0, seed: int = 1,
        size: Configuration = CONFIGURATION, capacity: int = CAPACITY,
    ):  # fmt: skip
        print(f"seed {seed}")
        self.random = np.random.default_rng(seed)
        self.settings = settings
        self.network = network
        self.program = compile_network(network, size, goal=Goal.LATENCY)
        self.bench = Bench(dut)
        self.bench.cover([("sensor modes", MODES[mode]), *of_program(self.program)])
        self.bench.reset()
        self.bench.set("i_mode", int(mode))
        self.array = self.bench.source("i_array", stall=Stall(stall_in, seed=seed))
        self.control = self.bench.source("i_control")
        self.replies = self.bench.sink("o_control", 64)
        self.out = self.bench.sink("o", capacity, stall=Stall(stall_out, seed=seed + 1), stamps=True)
        names = ("raw", "rgb", "tensor", "layer", "output", "record")
        self.taps = {name: self.bench.tap(f"o_tap_{name}", capacity) for name in names}

    def write(self, writes: Iterable[tuple[int, int]]) -> None:
        """Write registers, and wait until they are written."""
        requests = [formats.CONTROL_REQUEST.pack({"address": a, "data": d, "write": 1}) for a, d in writes]
        self.control.send(np.array(requests, np.uint64))
        assert self.bench.run(4_000_000, until=self.control.empty) == "reached", "the registers do not take the writes"
        self.bench.run(4)

    def read(self, address: int) -> int:
        """Read one register."""
        self.control.send(np.array([formats.CONTROL_REQUEST.pack({"address": address})], np.uint64))
        assert self.bench.run(1000, until=self.replies.reaches(1)) == "reached", "no reply"
        return int(self.replies.take()[0])

    def set_up(self) -> None:
        """All settings but readout's."""
        for stage in (self.settings.isp, self.settings.tensor, self.settings.metadata):
            self.write(stage.writes())

    def load(self) -> None:
        """The network's program image."""
        self.write((formats.CNN_LOAD, int(word)) for word in self.program.words())
        assert self.read(formats.CNN.address("error")) == 0
        assert self.read(formats.CNN.address("loaded")) == 1
        assert self.read(formats.CNN.address("network_id")) == self.network.identity

    def frames(self, count: int) -> NDArray[np.uint16]:
        """Random frames, coarse enough to survive the scaling, without a line of zeros."""
        frame = self.settings.frame
        coarse = self.random.integers(64, 1024, (count, frame.height // 8, frame.width // 8))
        return np.clip(
            np.kron(coarse, np.ones((8, 8), int)) + self.random.integers(-60, 60, (count, frame.height, frame.width)),
            1, 1023,
        ).astype(np.uint16)  # fmt: skip

    def expose(self, frames: NDArray[np.uint16] | None, count: int) -> None:
        """Let ``count`` frames begin, with these at the array, and wait until nothing moves any more."""
        frame = self.settings.frame
        if frames is not None:
            self.array.send(golden_readout.beats(frames))
        self.write(self.settings.readout.writes())
        if frames is not None and not self.settings.readout.live:
            assert self.bench.run(100 * count * frame.clocks_per_frame, idle=QUIET) == "idle", "the sensor never rests"
            return
        # The array's timing goes on for ever; it is told to stop in the last frame.
        self.bench.run((count - 1) * frame.clocks_per_frame + frame.clocks_per_frame // 2)
        stopped = ReadoutSettings(
            False, self.settings.readout.live, self.settings.readout.pattern, self.settings.readout.solid
        )
        self.write(stopped.writes())
        assert self.bench.run(100 * count * frame.clocks_per_frame, idle=QUIET) == "idle", "the sensor never rests"


def timing_of(record: bytes) -> tuple[dict[str, int], int, dict[str, int]]:
    """What depends on time in a record: the ticket's numbers, the inference clocks, and what they were spent on."""
    header = formats.RECORD_HEADER.unpack(int.from_bytes(record[: formats.RECORD_HEADER.bits // 8], "little"))
    ticket = {name: header[name] for name in golden.UNTIMED if name != "test_pattern"}
    spent = {f.name: header[f"clocks_{f.name}"] for f in CNN_SPENT.fields}
    return {**ticket, "test_pattern": 0}, header["inference_clocks"], spent


def records_of(words: Words) -> list[bytes]:
    """Records that passed the tap."""
    return packets_of(words)


def raw_frames(words: Words, width: int, height: int) -> NDArray[np.uint16]:
    """Frames that passed the raw tap; line and frame ends must stand where they belong."""
    fields = unpacked(formats.RAW_BEAT, words)
    frames = fields["pixel"].reshape(-1, height, width).astype(np.uint16)
    for frame, got in zip(frames, words.reshape(len(frames), -1), strict=True):
        assert_equal("raw: words", golden_readout.stream(frame), got, ("beat",))
    return frames


def rgb_frames(words: Words, width: int, height: int) -> NDArray[np.uint8]:
    """Pictures that passed the rgb tap."""
    fields = unpacked(formats.RGB_PIXEL, words)
    colours = np.stack([fields[c] for c in ("red", "green", "blue")], axis=-1)
    return colours.reshape(-1, height // 2, width // 2, 3).astype(np.uint8)


def tensors(words: Words) -> list[NDArray[np.int8]]:
    """Tensors that passed a tap, cut at ``last``."""
    fields = unpacked(formats.TENSOR_BYTE, words)
    ends = np.flatnonzero(fields["last"]) + 1
    assert len(words) == (ends[-1] if len(ends) else 0), "the last tensor has no end"
    return [part.astype(np.int8) for part in np.split(fields["value"], ends)[:-1]]


def layer_outputs(chip: Chip, words: Words, runs: int) -> list[dict[int, NDArray[np.int8]]]:
    """For each of ``runs`` of the network every layer's results, put together from the beats at the tap."""
    assert runs == 0 or len(words) % runs == 0, f"{len(words)} beats in {runs} runs of the network"
    parts = np.split(words, runs) if runs else []
    return [Tapped(chip.program.configuration, part).layers(chip.program) for part in parts]


def assert_equal(stage: str, want, got, axes: Sequence[str]) -> None:
    """Equal, or the first difference named."""
    message = first_difference(stage, want, got, axes)
    assert message is None, message


def check_stages(chip: Chip, frames: Sequence[NDArray[np.uint16] | None], counters: Sequence[int]) -> list[Passage]:
    """Every tap against the golden chain, one record for each of ``frames``; what the chain gave."""
    frame = chip.settings.frame
    size = (frame.width, frame.height)
    raw = raw_frames(chip.taps["raw"].take(), *size)
    rgb = rgb_frames(chip.taps["rgb"].take(), *size)
    inputs = tensors(chip.taps["tensor"].take())
    outputs = tensors(chip.taps["output"].take())
    layers = layer_outputs(chip, chip.taps["layer"].take(), len(outputs))
    records = records_of(chip.taps["record"].take())
    assert len(records) == len(frames), f"{len(records)} records of {len(frames)} frames"
    passages = []
    for n, (picture, counter, record) in enumerate(zip(frames, counters, records, strict=True)):
        ticket, clocks, spent = timing_of(record)
        assert ticket["frame_counter"] == counter, f"frame {n}: counter {ticket['frame_counter']}, expected {counter}"
        want = golden.run(picture, chip.settings, chip.network, ticket, clocks, spent)
        assert_equal(f"frame {n}, raw", want.raw, raw[n], ("row", "column"))
        assert_equal(f"frame {n}, rgb", want.rgb, rgb[n], ("row", "column", "channel"))
        assert_equal(f"frame {n}, tensor", want.tensor.ravel(), inputs[n], ("byte",))
        for told, layer in zip(chip.program.host["layers"], layers[n].values(), strict=True):
            part = part_of(chip.network.tensors[told["tensor"]], told, None)
            expected = part.of_tensor(want.layers[told["tensor"]])
            name, got = f"frame {n}, layer {told['tensor']}", part.of_layer(layer)
            assert_equal(name, expected, got, ("row", "column", "channel"))
        assert_equal(f"frame {n}, output", want.output.ravel(), outputs[n], ("byte",))
        assert_equal(f"frame {n}, record", want.record, record, ("byte",))
        passages.append(want)
    return passages


def check_packets(
    chip: Chip, mode: Mode | int, pictures: Sequence[NDArray[np.uint16]], counters: Sequence[int],
    records: Sequence[bytes],
) -> list[bytes]:  # fmt: skip
    """The link's bytes: every line and record that the mode allows, none besides, none missing."""
    packets = packets_of(chip.out.take())
    order = types_of(packets)
    shows_images, shows_records = mode in (Mode.IMAGE, Mode.IMAGE_AND_METADATA), mode != Mode.IMAGE
    lines = [line for n, p in zip(counters, pictures, strict=True) for line in golden_link.lines([p], n)]
    assert order.count(PacketType.IMAGE_LINE) == (len(lines) if shows_images else 0), "image packets"
    assert order.count(PacketType.RECORD) == (len(records) if shows_records else 0), "records"
    want = golden_link.in_order(order, lines, records)
    for n, (expected, packet) in enumerate(zip(want, packets, strict=True)):
        assert_equal(f"link, packet {n} ({order[n].name})", expected, packet, ("byte",))
    return packets


def from_array(live: bool) -> ReadoutSettings:
    """Readout of the array."""
    return ReadoutSettings(enable=True, live=live, pattern=Pattern.ARRAY)
