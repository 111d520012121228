"""The commands that users install, at the gateware with control behind it: a pseudo-terminal in front of the wires."""

import os
import threading
import tty
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.sim import Simulator

from ocellus import formats
from ocellus.board import board
from ocellus.board.board import Board
from ocellus.cli import main
from ocellus.compiler.engine.image import Program
from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.control import Control
from ocellus_hdl.layouts import struct
from ocellus_hdl.serial import Serial

CLOCKS = 8


class SmallBoard(wiring.Component):
    """A serial line and control, as a board has them; the accelerator's ends are the test's."""

    i_serial: In(1)
    o_serial: Out(1)
    o_load: Out(stream.Signature(32))
    o_load_reset: Out(1)
    i_status: In(struct(formats.CNN_STATUS))

    def elaborate(self, platform: object) -> Module:
        """As a board does it."""
        m = Module()
        m.submodules.serial = serial = Serial(1e6, CONFIGURATIONS["ecp5"], baud=1e6 / CLOCKS)
        m.submodules.control = control = Control(layers=4)
        m.d.comb += [
            serial.i_serial.eq(self.i_serial),
            self.o_serial.eq(serial.o_serial),
            self.o_load_reset.eq(control.o_load_reset),
            control.i_status.eq(self.i_status),
            control.o_gamma.ready.eq(1),
        ]
        connect(m, serial.o_request, control.i)
        connect(m, control.o, serial.i_reply)
        connect(m, control.o_load, flipped(self.o_load))
        return m


class Simulated:
    """The small board in a simulator of its own thread, and an accelerator that takes a word in four clocks."""

    def __init__(self, image: list[int]):
        self.image = image
        self.words: list[int] = []
        self.resets = 0
        self._over = threading.Event()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)

    def run(self) -> None:
        design = SmallBoard()

        async def play(ctx: Any) -> None:
            to_board: deque[int] = deque()
            byte, bits, wait, now = 0, 0, 0, 0
            ctx.set(design.i_serial, 1)
            tick = ctx.tick().sample(design.o_serial, design.o_load.valid, design.o_load.payload, design.o_load_reset)
            ready = False
            while not self._over.is_set():
                now += 1
                if now % CLOCKS == 0:
                    if not to_board:
                        for value in self._from_host():
                            to_board.extend((0, *(value >> n & 1 for n in range(8)), 1))
                    ctx.set(design.i_serial, to_board.popleft() if to_board else 1)
                if ready != (now % 4 == 0):
                    ready = not ready
                    ctx.set(design.o_load.ready, ready)
                _, _, level, loads, word, resets = await tick
                if loads and ready:
                    self.words.append(word)
                    whole = self.words == self.image
                    ctx.set(design.i_status.loaded, whole)
                    ctx.set(design.i_status.network_id, self.image[3] * whole)
                if resets:
                    self.resets += 1
                    self.words.clear()
                if not bits:
                    if not level:
                        bits, wait, byte = 9, 1 + CLOCKS + CLOCKS // 2, 0
                elif wait == 1:
                    bits, wait = bits - 1, 1 + CLOCKS
                    if bits:
                        byte |= level << (8 - bits)
                    else:
                        os.write(self._master, bytes([byte]))
                wait -= wait > 1

        simulator = Simulator(design)
        simulator.add_clock(1e-6)
        simulator.add_testbench(play)
        simulator.run()

    def _from_host(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except BlockingIOError:
            return b""

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(20)
            os.close(self._slave)
            os.close(self._master)
            assert not thread.is_alive()


def test_the_commands_work_with_the_gateware(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys):
    """A simulated second is long: the host waits longer than it would."""
    monkeypatch.setattr(board, "PATIENCE_SECONDS", 10)
    sizes = CONFIGURATIONS["ecp5"]
    program = Program.assemble(
        {"network_id": 0xABCDEF01}, ({},), ({},), np.zeros((0, 256), np.int8),
        np.full((1, sizes.parameter_lanes, 3), 0x7D7E7D7E, np.uint32), np.full((8, sizes.lanes), 0x7D, np.int8),
        {"configuration": "ecp5"},
    )  # fmt: skip
    path = tmp_path / "net.ocnn"
    path.write_bytes(program.to_bytes())
    simulated = Simulated([int(word) for word in program.words()])
    with simulated.running():
        assert main(["load", simulated.port, str(path)]) == 0
        assert (simulated.words, simulated.resets) == (simulated.image, 1)
        assert main(["ping", simulated.port]) == 0
        with Board(simulated.port) as line:
            line.greet()
            values = list(range(100, 109))
            line.write(formats.ISP.address("matrix"), values)
            assert [line.read(formats.ISP.address("matrix", n)) for n in (0, 8)] == [100, 108]
    out = capsys.readouterr().out
    assert "network abcdef01 loaded, " in out
    assert "accelerator: ecp5\n  network:     abcdef01\n  line:        0 frames dropped, 0 bytes" in out
