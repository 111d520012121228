"""The wheel that a user installs: all three packages, the network, and the command."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree; hatchling is installed beside the tests, so no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_source_and_the_network(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("host", "sim", "hdl"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT / folder)) in names
    assert {"ocellus/networks/line.tflite", "ocellus/networks/line.json"} <= names
    assert not any(name.startswith(("tb/", "scripts/", "build/")) for name in names)


def test_the_installed_wheel_imports_and_its_command_runs(wheel: Path, tmp_path: Path):
    """In an environment of its own; the dependencies are lent by this one."""
    place = tmp_path / "venv"
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True, text=True)
    (site,) = place.glob("lib/python*/site-packages")
    lent = {str(Path(p)) for p in sys.path if p.endswith("site-packages")}
    (site / "zz_lent.pth").write_text("".join(f"{p}\n" for p in sorted(lent)))
    program = (
        "import ocellus, ocellus_sim, ocellus_hdl\n"
        "import ocellus_hdl.sensor, ocellus_sim.golden.sensor, ocellus_sim.cosim, ocellus_sim.scenes\n"
        "from ocellus import networks\n"
        "print(networks.default().name, ocellus.__file__, ocellus_sim.__file__, ocellus_hdl.__file__)\n"
    )
    ran = subprocess.run([python, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    name, *files = ran.stdout.split()
    assert name == "line"
    assert all(Path(file).is_relative_to(place) for file in files)
    said = subprocess.run([place / "bin" / "ocellus", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0
    assert "decode" in said.stdout
