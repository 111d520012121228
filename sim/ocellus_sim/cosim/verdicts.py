"""What cocotb's tests had to say, told to whoever runs pytest: a line of JSON a test."""

import json
import os
from collections.abc import Iterable
from xml.etree.ElementTree import Element

CASES = "OCELLUS_CASES"
"""Environment variable: the file to which verdicts are appended."""


def tell(cases: Iterable[Element]) -> None:
    """Append ``{name, status, seconds, message}`` of each test of a results file, where anybody wants to know."""
    if path := os.environ.get(CASES):
        with open(path, "a") as out:
            out.writelines(json.dumps(_verdict(case)) + "\n" for case in cases)


def _verdict(case: Element) -> dict[str, str | float]:
    failure = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
    status = "failed" if failure is not None else "passed" if case.find("skipped") is None else "skipped"
    name, _, parameters = case.get("name", "?").partition("/")
    return {
        "name": f"{name}[{parameters}]" if parameters else name,  # as pytest writes it
        "status": status,
        "seconds": float(case.get("time", "0")),
        "message": "" if failure is None else failure.get("message", ""),
    }
