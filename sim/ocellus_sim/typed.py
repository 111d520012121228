"""Variables behind a verb of make: a name that the verb does not know is refused, where make would take any."""

import difflib
import os
from collections.abc import Iterable

from ocellus.errors import BadInput

TYPED = "OCELLUS_TYPED"
"""The names, from the Makefile."""
EVERY_VERB = ("PYTHON",)
"""What scripts/prepare.sh takes."""


def refuse_unknown(allowed: Iterable[str]) -> None:
    """:class:`BadInput` for the first name that is not ``allowed``; what the program starts is not asked again."""
    names = [*allowed, *EVERY_VERB]
    for name in os.environ.pop(TYPED, "").split():
        if name not in names and not name.startswith("OCELLUS_"):
            raise BadInput(f"{name}: unknown, allowed {', '.join(nearest(name, names))}")


def nearest(found: str, names: Iterable[str]) -> list[str]:
    """The names, those first that look like what was typed."""
    order = list(names)
    close = difflib.get_close_matches(found.casefold(), [n.casefold() for n in order], n=max(len(order), 1), cutoff=0.6)
    return sorted(order, key=lambda n: close.index(n.casefold()) if n.casefold() in close else len(close))
