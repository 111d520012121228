"""All of a board's chip that runs on one clock: the sensor, its serial line, its lights."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from ocellus.configurations import Configuration
from ocellus.formats import SERIAL_BAUD, Mode
from ocellus.settings import FrameFormat
from ocellus.start import Start

from ..sensor import Sensor
from ..serial import Serial
from .indicators import Indicators


class Camera(wiring.Component):
    """The sensor in metadata mode, for good: no register and no wire of the board opens the gate.

    There is no pixel array: one of readout's test patterns (docs/readout.md) stands in for it.

    Parameters
    ----------
    frame : FrameFormat
    configuration : Configuration
    clock_hz : float
        Of ``sync``.
    baud : float
        Of the serial line.
    start : Start, or None
        Network, settings and test pattern from power-on. None: nothing comes before a host has set the sensor up.

    Attributes
    ----------
    i_serial, o_serial : 1
        The serial line (docs/serial.md).
    o_frame, o_object, o_error : 1, out
        For lights: :class:`Indicators`.
    """

    resting = tuple(part.replace("-", "-sensor.") if part[0] == "-" else f"sensor.{part}" for part in Sensor.resting)
    pausing = tuple(f"sensor.{part}" for part in Sensor.pausing)
    """Hints for simulators, the sensor's."""

    i_serial: In(1, init=1)  # pyright: ignore[reportCallIssue]  # the stubs do not know init
    o_serial: Out(1, init=1)  # pyright: ignore[reportCallIssue]  # the stubs do not know init
    o_frame: Out(1)
    o_object: Out(1)
    o_error: Out(1)

    def __init__(
        self,
        frame: FrameFormat,
        configuration: Configuration,
        clock_hz: float,
        *,
        baud: float = SERIAL_BAUD,
        start: Start | None = None,
    ):
        super().__init__()
        self._frame = frame
        self._configuration = configuration
        self._start = start
        self._serial = Serial(clock_hz, configuration, baud=baud)

    def elaborate(self, platform: object) -> Module:
        """Three parts; the lights see what the serial line takes."""
        m = Module()
        m.submodules.sensor = sensor = Sensor(self._frame, self._configuration, start=self._start)
        m.submodules.serial = serial = self._serial
        m.submodules.indicators = indicators = Indicators()

        connect(m, serial.o_request, sensor.i_control)
        connect(m, sensor.o_control, serial.i_reply)
        connect(m, sensor.o, serial.i_packets)
        m.d.comb += [
            sensor.i_array.valid.eq(0),
            sensor.i_mode.eq(Mode.METADATA),
            serial.i_serial.eq(self.i_serial),
            self.o_serial.eq(serial.o_serial),
            indicators.i.valid.eq(sensor.o.valid & sensor.o.ready),
            indicators.i.payload.eq(sensor.o.payload),
            self.o_frame.eq(indicators.o_frame),
            self.o_object.eq(indicators.o_object),
            self.o_error.eq(indicators.o_error),
        ]
        return m
