"""Points of the source: every statement and branch of the gateware gets a bit that says that it was taken.

Amaranth's Verilog keeps neither a statement's line nor its condition, and Verilator runs a process between two clocks
as well as at one. So the bits are put in before, where `m.If` and its like are still a tree: beside each such tree
stands a copy that assigns nothing but a bit a branch. Verilator counts the rising edges at which a bit is 1, as the
coverage of a ``cover`` statement.
"""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false, reportCallIssue=false
# The stubs leave out what statements are made of, which is private: Amaranth's version is pinned for that.
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import amaranth
from amaranth import tracer
from amaranth.hdl import Const, Cover, Module, Signal
from amaranth.hdl import _ast as ast
from amaranth.hdl import _dsl as dsl
from amaranth.hdl._ir import Fragment

from ocellus_sim.cosim.verilog import COUNTER, EVERY_CLOCK

Place = tuple[str, int]
_ALWAYS = -1


class Points:
    """The points of a design, each a line or a branch of a file of this project.

    A point that stands in the source once may be many times in the design: it is taken when one of them is.

    It has to be there before the component is made.

    Attributes
    ----------
    counted : list of dict
        Each point's ``file``, ``line``, ``branch`` (empty: the statement itself) and the number of its ``counter``.
    """

    def __init__(self) -> None:
        tracer.get_src_loc, dsl.FSMNextStatement = _place, _Next
        self.counted: list[dict[str, Any]] = []
        self._bits: list[Signal] = []
        self._taken: dict[tuple[str, int, str], set[int]] = {}  # by file, line and branch: the bits that say so
        self._files: dict[str, str] = {}

    def add(self, fragment: Fragment) -> None:
        """Put the bits into a component and all that is below it."""
        if type(fragment) is Fragment:
            copies = [copy for body in fragment.statements.values() for copy in self._copies(body, _ALWAYS)]
            if copies:
                fragment.add_statements("comb", copies)
            for part, _, _ in fragment.subfragments:
                self.add(part)

    def count(self, m: Module) -> None:
        """Put the counters into the top; points that the same bits stand for share one."""
        counters: dict[tuple[int, ...], int] = {(_ALWAYS,): EVERY_CLOCK}
        for (file, line, branch), bits in sorted(self._taken.items()):
            key = (_ALWAYS,) if _ALWAYS in bits else tuple(sorted(bits))
            number = counters.setdefault(key, len(counters))
            self.counted.append({"file": file, "line": line, "branch": branch, "counter": number})
        for key, number in counters.items():
            if number == EVERY_CLOCK:
                m.d.sync += Cover(Const(1))
            else:
                taken = Signal(name=f"{COUNTER}{number}")
                m.d.comb += taken.eq(ast.Cat(self._bits[k] for k in key).any())
                m.d.sync += Cover(taken)

    def _bit(self) -> int:
        self._bits.append(Signal(name="taken"))
        return len(self._bits) - 1

    def _note(self, place: Place, branch: str, bit: int) -> None:
        file = self._file(place[0])
        if file:
            self._taken.setdefault((file, place[1], branch), set()).add(bit)

    def _file(self, name: str) -> str:
        """A file of this project by its path from the project's folder; nothing for any other."""
        if name not in self._files:
            path = Path(name)
            root = next((p for p in path.parents if (p / "pyproject.toml").exists()), None)
            # What Amaranth makes of its own accord, a queue's inside for instance, is made on the conversion's behalf.
            ours = root is not None and "site-packages" not in path.parts and path.parent != Path(__file__).parent
            self._files[name] = path.relative_to(root).as_posix() if ours else ""
        return self._files[name]

    def _copies(self, body: Iterable[ast.Statement], bit: int) -> list[ast.Statement]:
        """Of statements under the condition of a bit: the same conditions with nothing in them but bits."""
        copies: list[ast.Statement] = []
        for statement in body:
            if isinstance(statement, ast.Switch):
                copies += self._expressions([statement.test], statement.src_loc, bit)
                copies += self._branches(statement, bit)
            else:
                self._note(statement.src_loc, "", bit)
                copies += self._expressions(_read(statement), statement.src_loc, bit)
        return copies

    def _branches(self, switch: ast.Switch, bit: int) -> list[ast.Statement]:
        if isinstance(switch.test, Const):
            # Decided by a parameter: what it rules out is no part of this design.
            chosen = next((body for patterns, body, _ in switch.cases if _matches(patterns, switch.test)), ())
            return self._copies(chosen, bit)
        cases = []
        for patterns, body, place in switch.cases:
            if patterns == ():
                continue
            taken = self._bit()
            self._note(place or switch.src_loc, "else" if patterns is None else "taken", taken)
            cases.append((patterns, [self._bits[taken].eq(1), *self._copies(body, taken)], place))
        if _is_if(switch) and switch.cases[-1][0] is not None:
            missed = self._bit()
            self._note(switch.src_loc, "not taken", missed)
            cases.append((None, [self._bits[missed].eq(1)], switch.src_loc))
        return [ast.Switch(switch.test, cases, src_loc=switch.src_loc)]

    def _expressions(self, values: Sequence[ast.Value], place: Place, bit: int) -> list[ast.Statement]:
        """The two ways of every `Mux` in the expressions of a statement."""
        seen: set[int] = set()
        number = 0

        def copies(value: ast.Value) -> list[ast.Statement]:
            nonlocal number
            if id(value) in seen:
                return []
            seen.add(id(value))
            if not isinstance(value, ast.SwitchValue) or isinstance(value.test, Const):
                return [copy for part in _parts(value) for copy in copies(part)]
            inner = copies(value.test)
            mux = len(value.cases) == 2 and value.cases[1][0] is None
            number += mux
            name = f"mux {number}" if mux else ""
            cases = []
            for (patterns, part), way in zip(value.cases, ("0", "1") if mux else [""] * len(value.cases), strict=True):
                below = copies(part)
                if name:
                    taken = self._bit()
                    self._note(value.src_loc, f"{name} is {way}", taken)
                    below = [self._bits[taken].eq(1), *below]
                cases.append((patterns, below, value.src_loc))
            return [*inner, ast.Switch(value.test, cases, src_loc=place)] if any(c[1] for c in cases) else inner

        return [copy for value in values for copy in copies(value)]


_LIBRARY = str(Path(amaranth.__file__).parent)


def _place(src_loc_at: int = 0) -> Place:
    """Where a statement stands, for Amaranth: not where its library makes it, as it does for a struct's `eq`."""
    frame = sys._getframe(2 + src_loc_at)
    while frame.f_code.co_filename.startswith(_LIBRARY) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


class _Next(dsl.FSMNextStatement):
    """`m.next`, which keeps its line; Amaranth's own forgets it when the states have their numbers."""

    def resolve(self) -> ast.Statement:
        """The assignment to the register of states."""
        assignment = super().resolve()
        assignment.src_loc = self.src_loc
        return assignment


def _read(statement: ast.Statement) -> list[ast.Value]:
    """What a statement reads."""
    if isinstance(statement, ast.Assign):
        return [statement.rhs]
    return [statement.test] if isinstance(statement, ast.Property) else []


def _parts(value: ast.Value) -> Sequence[ast.Value]:
    """What an expression is made of."""
    match value:
        case ast.Operator():
            return value.operands
        case ast.Concat():
            return value.parts
        case ast.Slice():
            return [value.value]
        case ast.Part():
            return [value.value, value.offset]
        case ast.SwitchValue():
            return [part for _, part in value.cases]
    return []


def _is_if(switch: ast.Switch) -> bool:
    """Whether it was written with `m.If`: each branch asks for one bit."""
    given = [patterns for patterns, _, _ in switch.cases if patterns is not None]
    return all(len(patterns) == 1 and sorted(patterns[0].replace("-", "")) == ["1"] for patterns in given)


def _matches(patterns: Sequence[str] | None, test: Const) -> bool:
    if patterns is None:
        return True
    bits = f"{test.value & (1 << len(test)) - 1:0{len(test)}b}" if len(test) else ""
    return any(all(p in ("-", b) for p, b in zip(pattern, bits, strict=True)) for pattern in patterns)
