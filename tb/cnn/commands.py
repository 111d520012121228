"""Commands at random within the rules of the datapath, and what each of them means, with Python's integers."""

import random
from dataclasses import dataclass, field
from typing import Any

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import Epilogue, LayerOp

READ_LINES = 5
"""Lines that are read; those above are written."""
LINES = 9

Word = list[int]


def wrapped(x: int) -> int:
    """Modulo 2^32, as a signed number."""
    return (x + (1 << 31)) % (1 << 32) - (1 << 31)


def doubled(x: int, multiplier: int) -> int:
    """SRDHM: the product over 2^31, rounded to nearest, halves away from zero, as its definition has it."""
    product = x * multiplier
    nudged = product + ((1 << 30) if product >= 0 else 1 - (1 << 30))
    return nudged >> 31 if nudged >= 0 else -(-nudged >> 31)


def divided(x: int, n: int) -> int:
    """RDBPOT: over ``2^n``, rounded to nearest, halves away from zero."""
    mask = (1 << n) - 1
    return (x >> n) + ((x & mask) > (mask >> 1) + (x < 0))


def rounded(a: int, multiplier: int, shift: int, single: bool) -> int:
    """``R`` of the page."""
    if single:
        e = 31 - shift
        return (a * multiplier + (1 << e >> 1)) >> e
    return divided(doubled(wrapped(a << max(shift, 0)), multiplier), max(-shift, 0))


def clamped(x: int, low: int, high: int) -> int:
    """``x`` between ``low`` and ``high``."""
    return min(max(x, low), high)


@dataclass
class Group:
    """Commands whose sums belong together; ``fresh``: its layer differs from the one before."""

    op: LayerOp
    epilogue: Epilogue
    commands: list[dict[str, Any]]
    second: dict[str, int]
    fresh: bool = False
    sets: int = 0


@dataclass
class Beat:
    """What the tap is to show."""

    layer: int
    epilogue: bool
    second: bool
    sub: int
    places: dict[int, tuple[int, int]]
    values: dict[int, int]


@dataclass
class Work:
    """Everything that a run is made of."""

    c: Configuration
    memory: dict[tuple[int, int], Word]
    weights: list[Word]
    parameters: list[tuple[int, int, int]]
    tables: list[Word]
    requests: list[tuple[int, int]] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


def byte(rng: random.Random) -> int:
    return rng.choice((-128, 127, rng.randrange(-128, 128), rng.randrange(-128, 128)))


def weight(rng: random.Random) -> int:
    return rng.choice((-127, 127, rng.randrange(-127, 128), rng.randrange(-127, 128)))


def parameter(rng: random.Random) -> tuple[int, int, int]:
    """Mostly such that results differ; sometimes with an extreme bias or shift."""
    if rng.random() < 0.1:
        return rng.choice((-(1 << 30), 1 << 30)), rng.randrange(1 << 30, 1 << 31), rng.randrange(-31, 4)
    return rng.randrange(-4000, 4000), rng.randrange(1 << 30, 1 << 31), rng.randrange(-10, -5)


def work(c: Configuration, rng: random.Random, runs: int) -> Work:
    """``runs`` layers of a few groups each."""
    w = Work(
        c,
        {(b, n): [byte(rng) for _ in range(c.word)] for b in range(c.banks) for n in range(READ_LINES)},
        [[weight(rng) for _ in range(c.lanes)] for _ in range(60)],
        [parameter(rng) for _ in range(24 * c.parameter_lanes)],
        [[byte(rng) for _ in range(256)] for _ in range(c.tables)],
    )
    for layer in range(runs):
        op = rng.choice(list(LayerOp))
        epilogue = rng.choice([Epilogue.PLAIN, Epilogue.PLAIN, *Epilogue])
        second = {
            "multiplier_1": rng.randrange(1 << 30, 1 << 31), "shift_1": rng.randrange(0, 6),
            "multiplier_2": rng.randrange(1 << 30, 1 << 31), "shift_2": rng.choice((0, 1, 2, 7, 31)),
            "multiplier_3": rng.choice((1 << 30, rng.randrange(1 << 30, 1 << 31))),
            "zero_point_1": byte(rng), "zero_point_2": byte(rng),
            "zero_point_3": byte(rng), "minimum_3": -128, "maximum_3": 127 if rng.random() < 0.7 else 50,
            "subtract": rng.randrange(2), "table": rng.randrange(c.tables),
            "shift_3": rng.randrange(-22, -18) if epilogue is Epilogue.ADD else rng.randrange(-8, 1),
        }  # fmt: skip
        channel_words = rng.randrange(1, 4)
        for _ in range(channel_words):
            _parameter_set(w, rng, layer, op, epilogue, second)
    return w


def _parameter_set(
    w: Work, rng: random.Random, layer: int, op: LayerOp, epilogue: Epilogue, second: dict[str, int]
) -> None:
    """Groups that share their parameters, and windows their weights."""
    c = w.c
    entries = c.outputs if op is LayerOp.POINT else c.word
    words = -(-entries // c.parameter_lanes)
    passes = rng.choice((1, 1, 2, 3))
    groups = rng.randrange(1, 4)
    sets = passes if op is LayerOp.WINDOW else 0
    start = rng.randrange(len(w.weights) - c.window_words * passes)
    if sets:
        w.requests.append((start, sets))
    for g in range(groups):
        steps = rng.choice((1, 1, 2, 5)) if op is LayerOp.POINT else passes
        commands = []
        for n in range(steps):
            command = _reading(c, rng, op, epilogue, layer)
            command |= {
                "weight": rng.randrange(len(w.weights)) if op is LayerOp.POINT else n,
                "first": n == 0, "last": n == steps - 1, "pop": 1,
                "fetch": g == 0 and n == 0,
                "parameter": rng.randrange(len(w.parameters) // c.parameter_lanes - words),
            }  # fmt: skip
            if n == steps - 1:
                command |= _tag(c, rng, PIXELS if op is LayerOp.POINT else c.windows)
                command["pop"] = g == groups - 1
                command["release"] = bool(sets) and g == groups - 1
                command["release_count"] = sets
            commands.append(command)
        if epilogue in (Epilogue.ADD, Epilogue.MULTIPLY):
            sub = rng.randrange(c.word // c.outputs)
            commands.append(_reading(c, rng, op, epilogue, layer) | {"operand": 1, "sub": sub})
        fresh = not w.groups or w.groups[-1].commands[0]["layer"] != layer
        w.groups.append(Group(op, epilogue, commands, second, fresh, sets if g == 0 else 0))


def _reading(c: Configuration, rng: random.Random, op: LayerOp, epilogue: Epilogue, layer: int) -> dict[str, Any]:
    return {
        "op": op, "epilogue": epilogue, "layer": layer, "base": rng.randrange(c.banks),
        "line": [rng.randrange(READ_LINES) for _ in range(c.banks)],
        "inside": [rng.random() < 0.8 for _ in range(c.banks)], "fill": byte(rng),
        "spread": rng.randrange(1, 3 if op is LayerOp.POINT else 4), "edge": rng.random() < 0.3,
        "inner": rng.random() < 0.5,
        "sub": rng.randrange(c.word // c.inputs),
    }  # fmt: skip


def _tag(c: Configuration, rng: random.Random, pixels: int) -> dict[str, Any]:
    first, step = rng.randrange(c.banks), rng.choice((1, 2))
    return {
        "pixels": [j < pixels and rng.random() < 0.85 for j in range(PIXELS)],
        "out_line": [rng.randrange(READ_LINES, LINES) for _ in range(PIXELS)],
        "out_bank": [(first + step * j) % c.banks for j in range(PIXELS)],
        "out_sub": rng.randrange(c.word // c.outputs),
        "zero_point": byte(rng), "minimum": rng.choice((-128, -20)), "maximum": rng.choice((127, 90)),
        "ends": rng.random() < 0.5,
    }  # fmt: skip


class Meaning:
    """Runs the groups of a :class:`Work`; ``beats`` is what the tap shows, first passes and written ones apart."""

    def __init__(self, w: Work, single: bool):
        self.w, self.c, self.single = w, w.c, single
        self.beats: list[Beat] = []
        self.first_passes: list[Beat] = []
        self._entries: list[tuple[int, int, int]] = []
        self._held = [[0] * w.c.word for _ in range(3)]
        self._before = self._held
        self._set = -1
        self._sets: list[int] = [start + n * w.c.window_words for start, sets in w.requests for n in range(sets)]
        for group in w.groups:
            self._group(group)

    def _slots(self, command: dict[str, Any]) -> list[Word]:
        return [
            self.w.memory[(command["base"] + j) % self.c.banks, command["line"][j]]
            if command["inside"][j]
            else [command["fill"]] * self.c.word
            for j in range(self.c.banks)
        ]

    def _point(self, command: dict[str, Any], size: int) -> list[Word]:
        slots = self._slots(command)
        at = command["sub"] * size
        return [slots[command["spread"] * i % self.c.banks][at : at + size] for i in range(PIXELS)]

    def _tap(self, slots: list[Word], command: dict[str, Any], j: int, t: int) -> Word:
        """Of a window that exists; the others read anything."""
        row, column = divmod(t, 3)
        column += 0 if self.c.windows == 1 else -1 if j == 0 else command["spread"] * (j - 1)
        return self._before[row] if column < 0 else slots[self.c.columns * row + column]

    def _look(self, slots: list[Word], command: dict[str, Any]) -> None:
        """What windows keep of a read."""
        edge = [[command["fill"]] * self.c.word for _ in range(3)]
        self._before = edge if command["edge"] else self._held
        column = 2 if command["inner"] else self.c.columns - 2
        self._held = [slots[self.c.columns * row + column] for row in range(3)]

    def _group(self, group: Group) -> None:
        c = self.c
        point = group.op is LayerOp.POINT
        sums = [0] * (PIXELS * c.outputs if point else c.lanes)
        steps = [command for command in group.commands if not command.get("operand")]
        for command in steps:
            if command["fetch"]:
                at = command["parameter"] * c.parameter_lanes
                self._entries = self.w.parameters[at : at + (c.outputs if point else c.word)]
            slots = self._slots(command)
            if point:
                x, w = self._point(command, c.inputs), self.w.weights[command["weight"]]
                for n in range(len(sums)):
                    i, o = divmod(n, c.outputs)
                    sums[n] += sum(x[i][k] * w[o * c.inputs + k] for k in range(c.inputs))
                continue
            self._look(slots, command)
            taps = [self._tap(slots, command, j, 0) for j in range(c.windows)]
            if group.op is LayerOp.MAXIMUM:
                for n in range(len(sums)):
                    byte = taps[n // c.word][n % c.word]
                    sums[n] = byte if command["first"] else max(sums[n], byte)
                continue
            at = self._sets[command["weight"]]
            w = [byte for word in self.w.weights[at : at + c.window_words] for byte in word]
            for n in range(len(sums)):
                j, g = divmod(n, c.word)
                sums[n] += sum(self._tap(slots, command, j, t)[g] * w[t * c.word + g] for t in range(PIXELS))
        last = steps[-1]
        if last.get("release"):
            del self._sets[: last["release_count"]]
        values = []
        for n, total in enumerate(sums):
            bias, multiplier, shift = self._entries[n % len(self._entries)]
            r = rounded(wrapped(total + bias), multiplier, shift, self.single)
            values.append(clamped(last["zero_point"] + r, last["minimum"], last["maximum"]))
        if group.epilogue is Epilogue.PLAIN:
            self.beats += self._beats(last, values, point, False, False)
            return
        self.first_passes += self._beats(last, values, point, True, False)
        values = self._combined(group, values, point)
        self.beats += self._beats(last, values, point, True, True)

    def _combined(self, group: Group, values: list[int], point: bool) -> list[int]:
        s = group.second
        if group.epilogue is Epilogue.TABLE:
            return [self.w.tables[s["table"]][value + 128] for value in values]
        command = group.commands[-1]
        if point:
            y = [byte for word in self._point(command, self.c.outputs) for byte in word]
        else:
            slots = self._slots(command)
            y = [byte for word in slots[: self.c.windows] for byte in word]
        results = []
        for a, b in zip(values, y, strict=True):
            a, b = a - s["zero_point_1"], b - s["zero_point_2"]
            b = -b if s["subtract"] else b
            if group.epilogue is Epilogue.MULTIPLY:
                t = a * b
            else:
                t = rounded(a << 20, s["multiplier_1"], -s["shift_1"], False)
                t += rounded(b << 20, s["multiplier_2"], -s["shift_2"], False)
            r = rounded(t, s["multiplier_3"], s["shift_3"], False)
            results.append(clamped(s["zero_point_3"] + r, s["minimum_3"], s["maximum_3"]))
        return results

    def _beats(self, last: dict[str, Any], values: list[int], point: bool, epilogue: bool, second: bool) -> list[Beat]:
        c = self.c
        beats = []
        pixels, each = (c.beat_pixels, c.outputs) if point else (c.windows, c.word)
        for beat in range(c.beats if point else 1):
            places: dict[int, tuple[int, int]] = {}
            shown: dict[int, int] = {}
            for j in range(pixels):
                pixel = beat * pixels + j
                if not last["pixels"][pixel]:
                    continue
                places[j] = last["out_bank"][pixel], last["out_line"][pixel]
                of_pixel = values[pixel * each : (pixel + 1) * each]
                shown |= {j * each + n: value for n, value in enumerate(of_pixel)}
                if second or not epilogue:
                    word = self.w.memory.setdefault(places[j], [0] * c.word)
                    at = last["out_sub"] * each if point else 0
                    word[at : at + each] = of_pixel
            beats.append(Beat(last["layer"], epilogue, second, last["out_sub"] if point else 0, places, shown))
        return beats
