"""The bench around a top: ends on its streams, its ports, and bursts of clocks without Python."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ocellus_sim.cosim.calls import Condition, harness
from ocellus_sim.cosim.streams import Port, Sink, Source, Stall, Until, Watch
from ocellus_sim.cosim.window import RAW, diary, open_trace
from ocellus_sim.coverage.functional import Notebook, Situation
from ocellus_sim.coverage.seen import of_bench, stage_of

Reason = Literal["cycles", "reached", "idle"]

# Python wakes this often for Ctrl-C and progress: some milliseconds.
BURST = 1 << 15
_NEVER = (1 << 64) - 1
_CYCLES, _REACHED, _IDLE, _FINISHED, _OVERFLOWED = range(5)
_REASONS: dict[int, Reason] = {_CYCLES: "cycles", _REACHED: "reached", _IDLE: "idle"}


class Bench:
    """What a cocotb test drives the top with; a new one forgets the ends of the old and puts every input to 0.

    Parameters
    ----------
    dut
        cocotb's handle of the top.
    period_ps
        Simulated picoseconds a clock, 74.25 MHz by default; `run` moves cocotb's time on by it.

    Attributes
    ----------
    folder
        The run's folder, for files that the test leaves.
    """

    def __init__(self, dut: Any, *, period_ps: int = 13_468) -> None:
        self.dut = dut
        calls = harness()
        self._ports = {}
        for i in range(calls.ports()):
            name = calls.port_name(i).decode()
            self._ports[name] = Port(i, name, calls.port_width(i), bool(calls.port_input(i)))
        # The harness works on their arrays.
        self._ends: dict[str, Source | Sink] = {}
        self._taps: list[Sink] = []
        self._burst_seconds, self._model_before = 0.0, calls.model_ns()
        self._diary = diary()
        self._diary.turn_over()
        calls.open(self._index("clk"), self._index("rst"), period_ps)
        for name, port in self._ports.items():
            if port.is_input:
                self.set(name, 0)
        if "mutant" in self._ports:  # of a top with faults to choose from: scripts/mutants
            self.set("mutant", int(os.environ.get("OCELLUS_MUTANT", 0)))
        self.folder = Path(os.environ["OCELLUS_RUN"])
        self._notebook = Notebook(self.folder)
        self._stage, self._arguments = stage_of(os.environ["COCOTB_TEST_MODULES"]), self.arguments
        from cocotb.task import (
            current_task,
        )  # here: whoever starts a simulator imports this file too, and has no use for it

        self._diary.begin(current_task().get_name().removeprefix("Test "))

    def _index(self, name: str) -> int:
        return self._ports[name].index if name in self._ports else -1

    @property
    def ports(self) -> tuple[Port, ...]:
        """Every port of the top."""
        return tuple(self._ports.values())

    @property
    def parameters(self) -> dict[str, Any]:
        """The ``parameters`` given to `simulate`."""
        return json.loads((self.folder / "parameters.json").read_text())

    @property
    def arguments(self) -> dict[str, Any]:
        """The ``arguments`` that the top was made with."""
        return pickle.loads((self.folder / "arguments.pickle").read_bytes())

    def port(self, name: str) -> Port:
        """A port by its Verilog name."""
        if name not in self._ports:
            raise KeyError(f"The top has no port {name}; it has {', '.join(self._ports)}.")
        return self._ports[name]

    def set(self, name: str, value: int) -> None:
        """Puts a value on an input from the coming clock on."""
        port = self.port(name)
        if not port.is_input:
            raise ValueError(f"{name} is an output of the top.")
        harness().set(port.index, port.array(int(value)).ctypes.data)

    def get(self, name: str) -> int:
        """A port's value in the coming clock."""
        port = self.port(name)
        words = np.zeros(port.words, np.uint64)
        harness().eval()
        harness().get(port.index, words.ctypes.data)
        return port.value(words)

    def source(self, stream: str, words: ArrayLike = (), *, stall: Stall | None = None) -> Source:
        """Feeds the stream input ``stream`` with payloads."""
        valid, payload = self.port(f"{stream}__valid"), self.port(f"{stream}__payload")
        if not payload.is_input:
            raise ValueError(f"{stream} is an output stream of the top: it needs a sink.")
        self._free(stream)
        source = Source(valid, self._ports.get(f"{stream}__ready"), payload, stall or Stall())
        self._ends[stream] = source
        source.send(np.asarray(words, np.uint64) if np.size(words) == 0 else words)
        return source

    def sink(self, stream: str, capacity: int, *, stall: Stall | None = None, stamps: bool = False) -> Sink:
        """Takes up to ``capacity`` beats from the stream output ``stream``; ``ready`` is low while it is full."""
        self._free(stream)
        sink = self._sink(stream, self.port(f"{stream}__ready"), capacity, stall or Stall(), stamps)
        self._ends[stream] = sink
        return sink

    def tap(self, stream: str, capacity: int, *, stamps: bool = False) -> Sink:
        """Listens to ``stream``, an output with valid and payload alone; a beat too many ends the run with an error."""
        tap = self._sink(stream, None, capacity, Stall(), stamps)
        self._taps.append(tap)
        return tap

    def _free(self, stream: str) -> None:
        if stream in self._ends:
            raise ValueError(f"The stream {stream} has its source or sink already.")

    def _sink(self, stream: str, ready: Port | None, capacity: int, stall: Stall, stamps: bool) -> Sink:
        payload = self.port(f"{stream}__payload")
        if payload.is_input:
            raise ValueError(f"{stream} is an input stream of the top: it needs a source.")
        return Sink(self._ports.get(f"{stream}__valid"), ready, payload, capacity, stall, stamps)

    def watch(self, name: str) -> Watch:
        """Notes when a port changes."""
        return Watch(self.port(name))

    @property
    def cycle(self) -> int:
        """Clocks since the last reset: the number of the coming clock."""
        return harness().cycle()

    @property
    def rested(self) -> dict[str, int]:
        """Clocks for which each region of the design (docs/cosim.md) was at rest and cost nothing."""
        calls = harness()
        return {calls.region_name(i).decode(): calls.region_rested(i) for i in range(calls.regions())}

    @property
    def spent(self) -> dict[str, float]:
        """Processor seconds of bursts so far: the model's, judged by one evaluation in 8191, and the harness'."""
        model = min((harness().model_ns() - self._model_before) / 1e9, self._burst_seconds)
        return {"model": model, "harness": self._burst_seconds - model}

    def reset(self) -> None:
        """One clock of reset with silent streams; the clock count starts at 0 again."""
        self._diary.turn_over()
        harness().reset()

    def run(
        self,
        cycles: int,
        until: Until | Sequence[Until] | None = None,
        idle: int | None = None,
        progress: Callable[[Bench], None] | None = None,
    ) -> Reason:
        """Runs at most ``cycles`` clocks.

        Parameters
        ----------
        until
            Stops before the first clock in which this condition holds, or all of a sequence.
        idle
            Stops after so many clocks without a handshake at any source, sink or tap.
        progress
            Called now and then, every `BURST` clocks.

        Returns
        -------
        str
            ``"reached"``, ``"cycles"`` or ``"idle"``.

        Raises
        ------
        AssertionError
            When an assertion of the design fails.
        OverflowError
            When a tap had no room for a beat.
        """
        conditions = [] if until is None else [until] if isinstance(until, Until) else list(until)
        packed = (Condition * max(1, len(conditions)))(*(c.packed() for c in conditions))
        calls = harness()
        stalled = {isinstance(end, Source) for end in self._ends.values() if end.stall.probability > 0}
        self.cover(of_bench(self._stage, self._arguments, True in stalled, False in stalled))
        calls.burst()
        end = self.cycle + int(cycles)
        reason = _CYCLES
        while True:
            burst = self._diary.burst(min(BURST, end - self.cycle))
            begin = time.thread_time()
            reason = calls.run(burst, _NEVER if idle is None else int(idle), packed, len(conditions))
            self._burst_seconds += time.thread_time() - begin
            self._diary.note()
            if reason != _CYCLES or self.cycle >= end:
                break
            if progress is not None:
                progress(self)
        if reason == _FINISHED:
            raise AssertionError(f"The design stopped the simulation at clock {self.cycle}: see the log above.")
        if reason == _OVERFLOWED:
            full = ", ".join(sink.name for sink in self._taps if len(sink) == sink.capacity)
            raise OverflowError(f"A tap is full at clock {self.cycle}: {full}.")
        return _REASONS[reason]

    def cover(self, situations: Iterable[Situation]) -> None:
        """Says which situations of tb/coverage.toml, each a group and a point, the test has met.

        The bench knows by itself which ends stalled and how large the frame was (docs/coverage.md).
        """
        self._notebook.note(situations)

    def trace(self, path: str | Path) -> None:
        """Writes every signal to a file in the run's folder from here on.

        It is VCD; one that ends in ``.fst`` is there, with GTKWave's save file beside it, when the run has ended.
        """
        file = self.folder / path
        open_trace(file.with_name(file.name + RAW) if file.suffix == ".fst" else file)

    def trace_stop(self) -> None:
        """Ends the trace."""
        harness().trace_stop()
