"""Files that are there whole or not at all, whatever happens to whoever writes them."""

import os
from collections.abc import Callable
from pathlib import Path


def write(path: Path, make: Callable[[Path], object]) -> None:
    """``make`` writes a file of another name, with the same suffix, which then takes the place of ``path``."""
    coming = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        make(coming)
        coming.replace(path)
    finally:
        coming.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """A file with this text."""
    write(path, lambda coming: coming.write_text(text))
