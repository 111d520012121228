"""`make lint`: formatting, lint and types, all three reported before the status says no. `--write` formats instead."""

import subprocess
import sys

REPORT = (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["pyright"])
WRITE = (["ruff", "check", "--fix", "--quiet", "."], ["ruff", "format", "."])


def main() -> int:
    """The number of tools that complain."""
    failed = 0
    for command in WRITE if "--write" in sys.argv[1:] else REPORT:
        print("==", *command, flush=True)
        failed += subprocess.run([sys.executable, "-m", *command]).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
