"""`python -m ocellus_sim.report`: the report of the campaign in ``RUN``, or of the last one; see `make help`."""

import os
import sys
from pathlib import Path

from ocellus.errors import BadInput
from ocellus_sim.cosim.traces import short
from ocellus_sim.typed import refuse_unknown

from .writing import JUNIT, PAGE, RESULTS, latest, write

CAMPAIGNS = Path("build/regress")
WRITTEN, REFUSED = 0, 2


def main() -> int:
    """Exit status: 0 the report is written, whatever its verdict, 2 the input was refused."""
    try:
        refuse_unknown(["RUN"])
        folders = [_folder(name) for name in os.environ.get("RUN", "").split()] or latest(CAMPAIGNS)
        figures = write(*folders)
    except BadInput as error:
        print(f"ocellus: {error}", file=sys.stderr)
        return REFUSED
    print(figures.sentence)
    print(f"{short(folders[0].absolute() / PAGE)}, and beside it {RESULTS}, {JUNIT}")
    return WRITTEN


def _folder(name: str) -> Path:
    """A campaign's folder, or one that has this name beside the others."""
    beside = CAMPAIGNS / name
    return beside if not Path(name).exists() and beside.is_dir() else Path(name)


if __name__ == "__main__":
    sys.exit(main())
