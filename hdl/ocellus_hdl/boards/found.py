"""The boards that are installed: ours, and those of others, by the entry points of a group."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from ocellus.configurations import Configuration, configuration
from ocellus.errors import BadInput

from .board import Board

GROUP = "ocellus.boards"


def points() -> dict[str, EntryPoint]:
    """Entry points by the board's name, in its order."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load(point: EntryPoint) -> Board:
    """The board behind an entry point; :class:`BadInput` when there is none, or one of another name."""
    try:
        board = point.load()
    except (ImportError, AttributeError) as error:
        raise BadInput(f"board {point.name}: {point.value} cannot be loaded: {error}") from error
    if not isinstance(board, Board) or board.name != point.name:
        found = f"the board {board.name}" if isinstance(board, Board) else f"of type {type(board).__name__}"
        raise BadInput(f"board {point.name}: {point.value} is {found}, allowed is a Board of this name")
    return board


def board(name: str) -> Board:
    """The board of this name; :class:`BadInput` names those there are."""
    known: Mapping[str, EntryPoint] = points()
    if name not in known:
        raise BadInput(f"BOARD: found {name!r}, allowed {', '.join(known) or 'none: nothing is installed'}")
    return load(known[name])


def sized(board: Board, name: str) -> Configuration:
    """The configuration of this name; the board's own for an empty one."""
    return configuration(name) if name else board.configuration
