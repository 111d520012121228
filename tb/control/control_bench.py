"""Every register written and read back."""

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus import formats
from ocellus.formats import Block
from ocellus.program_formats import CNN_SPENT
from ocellus_sim.cosim import Bench, Stall
from tb.control.counting import COUNTS, LAYERS

SETTINGS = {
    "o_readout": formats.READOUT,
    "o_isp": formats.ISP,
    "o_tensor": formats.TENSOR,
    "o_metadata": formats.METADATA,
}


GROUP = "control requests"
"""Of tb/coverage.toml."""


class Stage:
    """The registers on the bench: writes go in, replies come out."""

    def __init__(self, dut, seed: int, stall_in: float = 0.0, stall_out: float = 0.0):
        print(f"seed {seed}")
        self.random = np.random.default_rng(seed)
        self.bench = Bench(dut)
        self.bench.reset()
        self.requests = self.bench.source("i", stall=Stall(stall_in, seed=seed))
        self.replies = self.bench.sink("o", 1 << 16, stall=Stall(stall_out, seed=seed + 1))
        self.load = self.bench.sink("o_load", 8192, stall=Stall(stall_out, seed=seed + 2))
        self.gamma = self.bench.sink("o_gamma", 8192, stall=Stall(stall_out, seed=seed + 3))

    def write(self, address: int, data: int) -> None:
        """Queue a write."""
        self.requests.send(requests([{"address": address, "data": data & 0xFFFF_FFFF, "write": 1}]))

    def read(self, addresses: list[int]) -> list[int]:
        """Read registers; one reply each."""
        self.requests.send(requests([{"address": a, "data": 0xDEAD_BEEF} for a in addresses]))
        self.settle()
        replies = [int(r) for r in self.replies.take()]
        assert len(replies) == len(addresses), f"{len(replies)} replies to {len(addresses)} reads"
        return replies

    def settle(self) -> None:
        """Run until all that is queued has been done."""
        assert self.bench.run(1_000_000, idle=50) == "idle"

    def values(self, block: Block) -> dict[str, list[int]]:
        """Random values, corners among them, for every item of every field."""
        result = {}
        for f in block.layout.fields:
            low, high = (-(1 << f.bits - 1), (1 << f.bits - 1) - 1) if f.signed else (0, (1 << f.bits) - 1)
            items = self.random.integers(low, high, f.count, endpoint=True)
            result[f.name] = [int(v) for v in np.where(self.random.random(f.count) < 0.3, low, items)]
        return result


def requests(items: list[dict[str, int]]) -> NDArray[np.uint64]:
    """``CONTROL_REQUEST`` words."""
    return np.array([formats.CONTROL_REQUEST.pack(item) for item in items], np.uint64)


def flat(values: dict[str, list[int]]) -> dict:
    """As a layout packs it."""
    return {name: items if len(items) > 1 else items[0] for name, items in values.items()}


async def registers(dut, seed: int, stall_in: float, stall_out: float) -> None:
    """All blocks written, looked at from both sides, twice."""
    stage = Stage(dut, seed, stall_in, stall_out)
    for _ in range(2):
        written = {block: stage.values(block) for block in SETTINGS.values()}
        for block, values in written.items():
            for name, items in values.items():
                for index, item in enumerate(items):
                    stage.write(block.address(name, index), item)
        stage.settle()
        for port, block in SETTINGS.items():
            word = block.layout.pack(flat(written[block]))
            assert stage.bench.run(1, until=stage.bench.port(port).equals(word)) == "reached", (
                f"{port} is not {word:#x}"
            )
            places = [(name, i) for name, items in written[block].items() for i in range(len(items))]
            got = stage.read([block.address(name, i) for name, i in places])
            for (name, index), data in zip(places, got, strict=True):
                want = written[block][name][index] & 0xFFFF_FFFF
                assert data == want, f"{block.layout.name}.{name}[{index}]: expected {want:#x}, got {data:#x}"
    stage.bench.cover([(GROUP, "settings read back")])


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_registers_read_back_what_was_written(dut):
    await registers(dut, 1, 0.0, 0.0)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_registers_with_late_requests(dut):
    await registers(dut, 10, 0.5, 0.0)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_registers_with_stalls_on_both_sides(dut):
    await registers(dut, 2, 0.5, 0.5)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_status_reads_and_swallows_writes(dut):
    stage = Stage(dut, 3)
    for network_id in (0xFEDC_BA98, 0x0123_4567):
        fields = {"loaded": 1, "loading": 0, "error": 5, "network_id": network_id}
        stage.bench.set("i_status", formats.CNN_STATUS.pack(fields))
        for name in fields:
            stage.write(formats.CNN.address(name), 0xFFFF_FFFF)
        assert stage.read([formats.CNN.address(name) for name in fields]) == list(fields.values())
    assert stage.read([formats.IDENTITY]) == [0x0CE11050]
    stage.bench.cover([(GROUP, "status read")])


@cocotb.test(timeout_time=50, timeout_unit="ms")
@cocotb.parametrize(stall_out=[0.0, 0.6])
async def test_gamma_writes_reach_the_tables(dut, stall_out: float):
    stage = Stage(dut, 4, stall_out=stall_out)
    entries = [(c, i, int(stage.random.integers(0, 256))) for c in range(3) for i in (0, 1, 511, 1022, 1023)]
    for channel, index, level in entries:
        stage.write(formats.GAMMA + 4096 * channel + 4 * index, level)
    stage.write(formats.GAMMA + 2, 1)
    stage.write(formats.GAMMA + 3 * 4096, 1)
    stage.write(formats.GAMMA - 4, 1)
    stage.settle()
    got = [tuple(formats.GAMMA_WRITE.unpack(int(w)).values()) for w in stage.gamma.take()]
    assert got == entries
    stage.bench.cover([(GROUP, "gamma written")])


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_program_words_reach_the_accelerator_in_order_while_it_stalls(dut):
    stage = Stage(dut, 5, stall_out=0.8)
    words = [int(w) for w in stage.random.integers(0, 1 << 32, 200)]
    for word in words:
        stage.write(formats.CNN_LOAD, word)
    assert stage.read([formats.IDENTITY]) == [formats.IDENTITY_VALUE], "a read behind the words"
    assert [int(w) for w in stage.load.take()] == words
    resets = stage.bench.watch("o_load_reset")
    stage.write(formats.CNN_RESET, 0)
    stage.settle()
    assert [value for _, value in resets.changes()] == [0, 1, 0], "not one clock of reset"
    stage.bench.cover([(GROUP, "program words"), (GROUP, "image forgotten")])


async def counts(dut, seed: int, stall_in: float, stall_out: float) -> None:
    """Every address of the counts and around them, in no order, other reads and writes between them."""
    stage = Stage(dut, seed, stall_in, stall_out)
    want = dict.fromkeys(range(formats.CNN_COUNTS - 64, formats.CNN_COUNTS + 0x400 + 64), 0)
    for layer in range(LAYERS):
        for way in range(len(CNN_SPENT.fields)):
            want[formats.CNN_COUNTS + 16 * layer + 4 * way] = COUNTS[4 * layer + way]
    for address in (0x5000, 0x9000, 0xD000):  # the same but for one bit: gamma tables and nothing
        want[address] = 0
    want[formats.IDENTITY] = formats.IDENTITY_VALUE
    order = [int(a) for a in stage.random.permutation(np.repeat(np.array(list(want)), 2))]
    for address in order[::7]:
        if address & ~0x3FF == formats.CNN_COUNTS:
            stage.write(address, 0xFFFF_FFFF)
    for address, data in zip(order, stage.read(order), strict=True):
        assert data == want[address], f"address {address:#x}: expected {want[address]:#x}, got {data:#x}"
    stage.bench.cover([(GROUP, "counts read")])


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_counts_read_layer_by_layer_and_swallow_writes(dut):
    await counts(dut, 7, 0.0, 0.0)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_counts_with_stalls_on_both_sides(dut):
    await counts(dut, 8, 0.5, 0.5)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_a_read_takes_five_clocks_and_a_count_six(dut):
    stage = Stage(dut, 9)
    for address, clocks in ((formats.IDENTITY, 5), (formats.CNN_COUNTS, 6), (formats.CNN_COUNTS + 16 * LAYERS, 5)):
        took = []
        for reads in (10, 110):
            begin = stage.bench.cycle
            stage.requests.send(requests([{"address": address}] * reads))
            assert stage.bench.run(10_000, until=stage.replies.reaches(reads)) == "reached"
            took.append(stage.bench.cycle - begin)
            stage.replies.take()
        assert took[1] - took[0] == 100 * clocks, f"address {address:#x}"


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def test_unknown_addresses_read_zero_and_swallow_writes(dut):
    stage = Stage(dut, 6)
    stage.bench.set("i_status", (1 << formats.CNN_STATUS.bits) - 1)
    resets = stage.bench.watch("o_load_reset")
    known = {formats.IDENTITY}
    for block in (*SETTINGS.values(), formats.CNN):
        known |= {block.address(f.name, i) for f in block.layout.fields for i in range(f.count)}
    written = {block: stage.values(block) for block in SETTINGS.values()}
    for block, values in written.items():
        for name, items in values.items():
            for index, item in enumerate(items):
                stage.write(block.address(name, index), item)
    counted = range(formats.CNN_COUNTS, formats.CNN_COUNTS + 0x400)
    tables = range(formats.GAMMA, formats.GAMMA + 3 * 4096, 4)
    unknown = sorted({*range(1 << 16)} - known - {formats.CNN_LOAD, formats.CNN_RESET} - {*counted} - {*tables})
    stage.requests.send(requests([{"address": a, "data": 0xFFFF_FFFF, "write": 1} for a in unknown]))
    assert stage.read(unknown) == [0] * len(unknown)
    for port, block in SETTINGS.items():
        word = block.layout.pack(flat(written[block]))
        assert stage.bench.run(1, until=stage.bench.port(port).equals(word)) == "reached", f"{port} was changed"
    assert len(stage.load.take()) == 0
    assert len(stage.gamma.take()) == 0
    assert [value for _, value in resets.changes()] == [0]
    stage.bench.cover([(GROUP, "unknown address")])
