"""What the memories of the accelerator hold from power-on: nothing, or what loading an image would leave in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ocellus.compiler.engine.image import HEADER_WORDS, TABLE_WORDS, Program, program_words
from ocellus.configurations import Configuration
from ocellus.program_formats import PARAMETER

Entry = Mapping[str, int]


@dataclass(frozen=True)
class Contents:
    """Of each memory the first words, in the memory's own shape; zeros follow.

    Attributes
    ----------
    header : int, or None
        ``IMAGE_HEADER``, packed; None: there is no network.
    program, tables : 32-bit words
    parameters : words of ``parameter_lanes`` entries
    weights : words of 32-bit words
    """

    header: int | None = None
    program: Sequence[int] = ()
    tables: Sequence[int] = ()
    parameters: Sequence[Sequence[Entry]] = ()
    weights: Sequence[Sequence[int]] = ()

    @classmethod
    def of_image(cls, image: bytes, c: Configuration) -> "Contents":
        """What ``image`` leaves; :class:`~ocellus.errors.BadInput` if it is damaged, for another array or too large."""
        program = Program.from_bytes(image)
        program.check_sizes(c)
        words = [int(word) for word in program.words()]
        at = HEADER_WORDS
        header = sum(word << 32 * n for n, word in enumerate(words[:at]))

        def section(length: int) -> list[int]:
            nonlocal at
            at += length
            return words[at - length : at]

        def groups(flat: Sequence[int], size: int) -> list[Sequence[int]]:
            return [flat[n : n + size] for n in range(0, len(flat), size)]

        sizes, parts = program.header, c.lanes // 4
        steps = section(program_words(sizes["layers"], sizes["steps"]))
        tables = section(sizes["tables"] * TABLE_WORDS)
        parameters = section(sizes["parameter_words"] * c.parameter_lanes * 3)
        entries = [
            PARAMETER.unpack(bias | multiplier << 32 | shift << 64) for bias, multiplier, shift in groups(parameters, 3)
        ]
        lanes = [entries[n : n + c.parameter_lanes] for n in range(0, len(entries), c.parameter_lanes)]
        return cls(header, steps, tables, lanes, groups(section(sizes["weight_words"] * parts), parts))


NOTHING = Contents()
"""No network."""
