"""A board's chip as its netlist, with its pins: clock, button, serial line, lights."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import SERIAL_BAUD
from ocellus_hdl.boards.found import board
from tb.sensor.sizes import FRAME

from . import netlist
from .model import Model, build

CONFIGURATION = CONFIGURATIONS["tiny"]
BOARD = dataclasses.replace(board("ulx3s-85f"), frame=FRAME, clock_hz=8 * SERIAL_BAUD)
"""The reference, but for a small frame, and for the clock: a bit of the serial line takes eight, the fewest it can."""
BIT = BOARD.clock_hz // SERIAL_BAUD
"""Clocks."""
BYTE = 10 * BIT
SLICE = 2048
"""So many clocks pass while a host waits for a byte and none comes."""

BENCH = """module bench(input clk, input [1:0] i, output [4:0] o);
  top board(.clk25_0__io(clk), .uart_0__rx__io(i[0]), .button_fire_0__io(i[1]),
    .uart_0__tx__io(o[0]), .led_0__io(o[1]), .led_1__io(o[2]), .led_2__io(o[3]), .led_7__io(o[4]));
endmodule
"""
LOCK = 4
"""The bit of the light that says so."""


@functools.cache
def text() -> str:
    """The netlist of the chip in Verilog."""
    return netlist.of_board(BOARD, CONFIGURATION)


def library() -> Path:
    """The model of the chip; made once for all that it is made of, which takes many minutes."""
    return build([text(), BENCH], "the board's netlist")


class Chip:
    """The chip at work; it stands in a serial port's place for :class:`ocellus.board.board.Board`.

    What is written waits for its turn on the wire; time passes in :meth:`read` alone.

    Attributes
    ----------
    lights : int
        In the last clock, as the bench has them.
    sent_bytes : int
        Bytes that the chip has sent.
    """

    def __init__(self, model: Model):
        self._model = model
        self._to_board = bytearray()
        self._levels = bytearray()  # the next clocks of the wire to the chip
        self._wire = bytearray()  # of the wire from it, from the first bit on that is not understood yet
        self._arrived = bytearray()
        self._button = 0
        self.lights = 0
        self.sent_bytes = 0

    @property
    def clocks(self) -> int:
        """Since power-on."""
        return self._model.clocks

    def pass_clocks(self, count: int) -> None:
        """Let time pass at the pins."""
        while len(self._levels) < count and self._to_board:
            byte = self._to_board.pop(0)
            for level in (0, *(byte >> n & 1 for n in range(8)), 1):
                self._levels += bytes([level]) * BIT
        now, self._levels = self._levels[:count], self._levels[count:]
        now += b"\1" * (count - len(now))
        pins = np.frombuffer(bytes(now), np.uint8) | np.uint8(self._button << 1)
        seen = self._model.run(pins[:, None])[:, 0]
        self.lights = int(seen[-1]) >> 1
        self._wire += (seen & 1).tobytes()
        self._hear()

    def press(self, clocks: int) -> None:
        """Hold the button."""
        self._button = 1
        self.pass_clocks(clocks)
        self._button = 0

    def _hear(self) -> None:
        """Bytes from the levels of the wire, each bit looked at in its middle."""
        at = 0
        while (begin := self._wire.find(0, at)) >= 0 and begin + BYTE <= len(self._wire):
            bits = self._wire[begin + BIT // 2 : begin + BYTE : BIT]
            assert bits[9] == 1, f"no stop bit, {len(self._wire) - begin} clocks before clock {self.clocks}"
            self._arrived.append(sum(level << n for n, level in enumerate(bits[1:9])))
            self.sent_bytes += 1
            at = begin + BYTE - BIT // 2
        del self._wire[: begin if begin >= 0 else len(self._wire)]

    @property
    def in_waiting(self) -> int:
        """Bytes that have arrived at the host."""
        return len(self._arrived)

    def write(self, data: bytes) -> int:
        """Put bytes on the wire to the chip, behind those that wait."""
        self._to_board += data
        return len(data)

    def read(self, size: int) -> bytes:
        """At most so many bytes; time passes when there are none, and as long as the wire to the chip is in use."""
        if not self._arrived:
            self.pass_clocks(max(SLICE, min(len(self._to_board), 64) * BYTE))
        came, self._arrived = bytes(self._arrived[:size]), self._arrived[size:]
        return came

    def close(self) -> None:
        """The port; the chip goes on."""
