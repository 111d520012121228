"""The name of a build: a hash of everything it is made from, found without importing any of it."""

import ast
import dataclasses
import enum
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# Packages whose sources may reach the gateware; a factory's own package is followed as well.
FOLLOWED = ("ocellus", "ocellus_hdl", "ocellus_sim")
Imports = dict[str, list[str]]
"""The names that files import, by the content of each."""


def digest(parts: Iterable[str | bytes]) -> str:
    """Hash of the parts in order, 16 hexadecimal digits."""
    h = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little"))
        h.update(data)
    return h.hexdigest()


def canonical(value: Any) -> str:
    """Text that is equal exactly for equal arguments: plain data, enumerations and frozen dataclasses.

    Raises
    ------
    TypeError
        For anything else, because its name could not stand for its content.
    """
    if value is None or isinstance(value, bool | int | float | str | bytes):
        # An enumeration member is more than its number.
        return f"{type(value).__qualname__}.{value.name}" if isinstance(value, enum.Enum) else repr(value)
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (f"{f.name}={canonical(getattr(value, f.name))}" for f in dataclasses.fields(value))
        return f"{type(value).__module__}.{type(value).__qualname__}({', '.join(fields)})"
    if isinstance(value, dict):
        items = sorted((canonical(k), canonical(v)) for k, v in value.items())
        return "{" + ", ".join(f"{k}: {v}" for k, v in items) + "}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(canonical, value))})"
    if isinstance(value, set | frozenset):
        return f"set({', '.join(sorted(map(canonical, value)))})"
    raise TypeError(f"An argument of a build must be plain data or a frozen dataclass, not {type(value).__name__}.")


def source_files(module: str, known: Imports | None = None) -> list[Path]:
    """The project's files that importing ``module`` can read: itself, its packages and what they import in turn.

    Import statements are read from the text, wherever they stand; nothing is imported. A package's data files (all
    that is not Python) count with the package. ``known`` has what was read before, and gets what is read now.
    """
    known = {} if known is None else known
    top = module.partition(".")[0]
    roots = {name: root for name in {*FOLLOWED, top} if (root := _root(name)) is not None}
    found: dict[str, Path] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        if name in found or name.partition(".")[0] not in roots:
            continue
        path = _module_file(name, roots)
        if path is None:
            continue  # a class or function named in a from-import
        found[name] = path
        if "." in name:
            queue.append(name.rpartition(".")[0])
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        text = path.read_bytes()
        tag = digest([package, text])
        if tag not in known:
            known[tag] = _imports(text, package)
        queue.extend(known[tag])
    files = set(found.values())
    for folder in {path.parent for path in files}:
        if folder.is_relative_to(roots.get("ocellus_hdl", folder / "none")):
            files.update(p for p in folder.iterdir() if p.is_file() and p.suffix not in {".py", ".pyc", ".md"})
    return sorted(files)


def _root(top: str) -> Path | None:
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None


def _module_file(name: str, roots: dict[str, Path]) -> Path | None:
    top, *rest = name.split(".")
    base = roots[top]
    if base.is_file():
        return base if not rest else None
    path = base.joinpath(*rest)
    candidates = (path / "__init__.py", path.with_suffix(".py")) if rest else (path / "__init__.py",)
    return next((c for c in candidates if c.is_file()), None)


def _imports(text: bytes, package: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")
                above = above[: len(above) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            names.append(base)
            names.extend(f"{base}.{alias.name}" for alias in node.names)
    return names
