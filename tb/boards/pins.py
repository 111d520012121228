"""A board's serial line at its pins, bit by bit, and a pseudo-terminal behind it as a USB-UART would be."""

import errno
import os
import select
import tty
from itertools import pairwise
from typing import Any

import numpy as np

from ocellus_sim.cosim import Bench, Stall
from ocellus_sim.cosim.streams import Sink

REST = 1 << 12
"""Clocks that pass before the host is listened to again."""
CHUNK = 32
"""Bytes of the host between two looks at what the board says."""


class Pins:
    """Both wires of a camera at its ``baud``; what it sends is looked at in every clock.

    Attributes
    ----------
    heard : bytearray
        All bytes that the board said.
    """

    def __init__(self, dut: Any):
        self.bench = Bench(dut)
        given = self.bench.arguments
        clocks = round(given["clock_hz"] / given["baud"])
        self.bench.set("i_serial", 1)
        self.bench.reset()
        self.heard = bytearray()
        self._clocks = clocks
        self._level = Sink(None, None, self.bench.port("o_serial"), max(REST, 10 * CHUNK * clocks), Stall(), False)
        self._levels = bytearray()

    def rest(self, clocks: int = REST) -> None:
        """The host says nothing for a while."""
        while clocks > 0:
            self.bench.run(min(clocks, REST))
            self._listen()
            clocks -= REST

    def say(self, data: bytes) -> None:
        """Eight bits a byte, the low one first, behind a start bit and before a stop bit."""
        for at in range(0, len(data), CHUNK):
            bits = np.unpackbits(np.frombuffer(data[at : at + CHUNK], np.uint8)[:, None], axis=1, bitorder="little")
            levels = np.pad(bits, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1))).ravel()
            begins = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist()]
            for begin, end in pairwise([*begins, len(levels)]):
                self.bench.set("i_serial", int(levels[begin]))
                self.bench.run((end - begin) * self._clocks)
            self._listen()

    def _listen(self) -> None:
        clocks, levels = self._clocks, self._levels
        levels += self._level.take(copy=False).astype(np.uint8).tobytes()
        at, fresh = 0, bytearray()
        while (begin := levels.find(0, at)) >= 0 and begin + 10 * clocks <= len(levels):
            bits = levels[begin + clocks // 2 : begin + 10 * clocks : clocks]
            assert bits[9] == 1, f"no stop bit at the pin, near clock {self.bench.cycle}"
            fresh.append(sum(level << n for n, level in enumerate(bits[1:9])))
            at = begin + 9 * clocks + clocks // 2
        del levels[: begin if begin >= 0 else len(levels)]
        if fresh:
            self.heard += fresh
            self.said(bytes(fresh))

    def said(self, data: bytes) -> None:
        """Bytes that the board has just said."""


class Port(Pins):
    """The pins behind a pseudo-terminal, whose name is a serial port to programs as long as it is plugged in.

    Attributes
    ----------
    from_host : int
        Bytes that came from the host since it was plugged in.
    """

    def __init__(self, dut: Any):
        super().__init__(dut)
        self._master = self._slave = -1
        self.from_host = 0

    def plug(self) -> str:
        """Plug the board in; the name of its port."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.from_host = 0
        return os.ttyname(self._slave)

    def unplug(self) -> None:
        """Pull the cable."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def wait_for_host(self, seconds: float) -> None:
        """Let no clock pass until the host says something."""
        assert select.select([self._master], [], [], seconds)[0], f"the host is silent for {seconds} s"

    def step(self) -> None:
        """What the host says goes to the board; some clocks pass in any case."""
        data = b""
        if self._master >= 0:
            try:
                data = os.read(self._master, CHUNK)
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
        self.from_host += len(data)
        if data:
            self.say(data)
        else:
            self.rest()

    def said(self, data: bytes) -> None:
        """What finds no room is lost, as on a wire that nobody reads."""
        if self._master >= 0 and select.select([], [self._master], [], 0)[1]:
            os.write(self._master, data)
