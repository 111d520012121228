"""Resolves pyproject.toml into requirements/*.lock, for every Python and platform at once.

uv resolves, because pip-compile resolves for the running interpreter alone. It lives in a folder of its own and
reads no configuration of the machine, so that nothing but PyPI enters the lock.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build" / "lock"
HEADER = """\
# What `make {verbs}` install: pyproject.toml's extra "{extra}", resolved by `make lock`. Do not edit.
"""


def main() -> None:
    """Resolve all, the second inside the first's pins; the third has a folder of its own."""
    subprocess.run([sys.executable, "-m", "venv", TOOLS], check=True)
    subprocess.run([TOOLS / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.8"], check=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))} | {"UV_NO_CONFIG": "1"}
    for kind, extra, verbs in (
        ("run", "test", "sim` and `make test"),
        ("dev", "lint", "lint"),
        ("numbers", "numbers", "numbers"),
    ):
        lock = ROOT / "requirements" / f"{kind}.lock"
        command = [
            TOOLS / "bin" / "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
            "--generate-hashes", "--only-binary", ":all:", "--no-header", "--upgrade",
            "--extra", extra, "--output-file", lock, "pyproject.toml",
        ]  # fmt: skip
        if kind == "dev":
            command += ["--constraints", ROOT / "requirements" / "run.lock"]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        lock.write_text(HEADER.format(verbs=verbs, extra=extra) + lock.read_text())


if __name__ == "__main__":
    main()
