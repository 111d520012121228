"""A board's whole chip: crystal, PLL, the clock's gate, and the camera between the pins."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Module, Signal, Value
from amaranth.lib import io

from ocellus.configurations import Configuration
from ocellus.start import Start

from .board import Board, Light, Pin
from .camera import Camera
from .gate import Gate
from .pll import Pll


class Top(Elaboratable):
    """What a bitstream holds.

    The sensor's clock begins when the PLL is locked, and stands while the button is held. There is no reset.

    Parameters
    ----------
    board : Board
    configuration : Configuration
        Instead of the board's.
    start : Start, or None
        What the camera holds from power-on; for this configuration.
    """

    def __init__(self, board: Board, configuration: Configuration | None = None, start: Start | None = None):
        self._board = board
        self.camera = Camera(board.frame, configuration or board.configuration, board.clock_hz, start=start)

    def elaborate(self, platform: Any) -> Module:
        """The platform's own clock is not used: the one domain comes from the PLL."""
        m = Module()
        board, camera = self._board, self.camera

        m.submodules.crystal = crystal = io.Buffer(io.Direction.Input, platform.request(board.crystal, dir="-"))
        m.submodules.pll = pll = Pll(board.dividers)
        m.submodules.button = button = io.Buffer(io.Direction.Input, self._request(platform, "button"))
        m.submodules.gate = gate = Gate()
        m.domains.sync = ClockDomain(reset_less=True)
        m.d.comb += [
            pll.i.eq(crystal.i),
            gate.i.eq(pll.o),
            gate.i_enable.eq(pll.o_lock & ~button.i),
            ClockSignal().eq(gate.o),
        ]

        m.submodules.camera = camera
        uart = self._request(platform, "uart")
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.d.comb += [camera.i_serial.eq(rx.i), tx.o.eq(camera.o_serial)]
        self._lights(m, platform, pll.o_lock)
        return m

    def _request(self, platform: Any, name: str) -> Any:
        pin = getattr(self._board, name)
        return platform.request(pin.resource, pin.number, dir="-")

    def _lights(self, m: Module, platform: Any, lock: Signal) -> None:
        """A resource of several lights is asked for once, and those of them that say nothing are dark."""
        says: dict[Light, Value] = {
            "frame": self.camera.o_frame, "object": self.camera.o_object, "error": self.camera.o_error, "lock": lock,
        }  # fmt: skip
        shown = {pin: says[light] for light, pin in self._board.lights.items()}
        for resource, number in dict.fromkeys((pin.resource, pin.number) for pin in shown):
            port = platform.request(resource, number, dir="-")
            whole = Pin(resource, number) in shown
            parts = {"": port} if whole else {part: getattr(port, part) for part in ("r", "g", "b")}
            for part, one in parts.items():
                m.submodules[f"{resource}_{number}{part}"] = buffer = io.Buffer(io.Direction.Output, one)
                m.d.comb += buffer.o.eq(shown.get(Pin(resource, number, part), 0))
