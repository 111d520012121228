"""Import arrows run one way, and the core of the host's package needs NumPy alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"ocellus": ROOT / "host", "ocellus_sim": ROOT / "sim", "ocellus_hdl": ROOT / "hdl"}
STANDARD = set(sys.stdlib_module_names)


def imported(path: Path, text: str | None = None) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import; relative ones made absolute."""
    source = next((root for root in SOURCES.values() if path.is_relative_to(root)), ROOT)
    package = path.relative_to(source).parent.parts
    tree = ast.parse(path.read_text() if text is None else text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" if module else alias.name for alias in node.names]
        else:
            continue
        for name in names:
            yield node.lineno, name


def offences(folder: Path, forbidden: tuple[str, ...]) -> list[str]:
    """Imports of what is forbidden, as ``file:line name``."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted(folder.rglob("*.py"))
        for line, name in imported(path)
        if any(name == f or name.startswith(f + ".") for f in forbidden)
    ]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("host/ocellus", ("ocellus_sim", "ocellus_hdl", "tb", "amaranth", "cocotb", "PIL")),
        ("hdl/ocellus_hdl", ("ocellus_sim", "tb", "cocotb", "numpy")),
        ("sim/ocellus_sim", ("ocellus_hdl", "tb")),
        ("sim/ocellus_sim/golden", ("amaranth", "ocellus_hdl", "ocellus_sim.cosim", "ocellus_sim.scenes", "cocotb")),
        ("sim/ocellus_sim/scenes", ("amaranth", "ocellus_hdl", "ocellus_sim.cosim", "ocellus_sim.golden", "cocotb")),
    ],
)
def test_nobody_imports_against_the_arrows(folder: str, forbidden: tuple[str, ...]):
    assert list((ROOT / folder).rglob("*.py")), f"{folder} is empty: the test shows nothing"
    assert offences(ROOT / folder, forbidden) == []


def test_amaranth_is_imported_by_the_conversion_alone():
    """It runs in a process of its own; who looks for a build, or starts one, need not wait for Amaranth."""
    conversion = tuple(f"sim/ocellus_sim/cosim/{name}.py" for name in ("conversion", "points", "regions"))
    inner = ("ocellus_sim.cosim.conversion", "ocellus_sim.cosim.points", "ocellus_sim.cosim.regions")
    found = offences(ROOT / "sim", ("amaranth", *inner))
    assert {line.partition(":")[0] for line in found} == set(conversion)


def test_the_core_of_the_host_needs_numpy_alone():
    """All but the compiler, networks, which are compiled, and boards; the command reaches them by name, when asked."""
    core = [
        path
        for path in sorted((ROOT / "host" / "ocellus").rglob("*.py"))
        if not {"compiler", "networks", "board"} & set(path.relative_to(ROOT / "host").parts)
    ]
    assert len(core) > 8
    for path in core:
        for line, name in imported(path):
            package = name.split(".")[0]
            allowed = package in STANDARD or package == "numpy" or package == "ocellus"
            assert allowed, f"{path.relative_to(ROOT)}:{line} imports {name}"
            heavy = name.startswith(("ocellus.compiler", "ocellus.networks", "ocellus.board"))
            assert not heavy, f"{path.relative_to(ROOT)}:{line} imports {name}, which needs more than NumPy"


def test_relative_imports_are_seen():
    path = SOURCES["ocellus_sim"] / "ocellus_sim" / "golden" / "isp.py"
    found = [name for _, name in imported(path, "from ..cosim import Bench\nfrom . import cnn\nimport numpy as np")]
    assert found == ["ocellus_sim.cosim.Bench", "ocellus_sim.golden.cnn", "numpy"]
