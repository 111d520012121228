"""A plugin of pytest: each test's verdict as a line of JSON as soon as it is there, cocotb's tests among them.

``pytest -p ocellus_sim.campaign.recorder`` with ``OCELLUS_TESTS`` naming the file. A run that is killed in its middle
has then told what it had found out until there.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ocellus_sim.cosim.verdicts import CASES

from .verdict import UNREAD


class Recorder:
    """Writes ``{name, file, status, seconds, message, raised}`` a test; status is passed, failed or skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cases = path.with_suffix(".cases")
        self._seconds: dict[str, float] = {}
        os.environ[CASES] = str(self._cases)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Set-up, call and clean-up of a test each make a report; the first that decides is the test's."""
        report: pytest.TestReport = yield
        report.user_properties.append(("raised", call.excinfo.typename if call.excinfo else ""))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's own verdict, and those of the simulations that it ran."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.when != "call" and report.passed:
            return
        file, _, name = report.nodeid.partition("::")
        raised = str(dict(report.user_properties).get("raised", ""))
        self._write(name, file, report.outcome, self._seconds[report.nodeid], _message(report), raised)
        for case in self._simulated():
            # A simulation that fails in a test that passes was meant to.
            if case["status"] != "failed" or report.failed:
                self._write(case["name"], file, case["status"], case["seconds"], case["message"], "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read has tests that did not run."""
        if report.failed:
            self._write(report.nodeid.rpartition("/")[2], report.nodeid, "failed", 0.0, _message(report), UNREAD)

    def _simulated(self) -> list[dict[str, Any]]:
        if not self._cases.exists():
            return []
        lines = self._cases.read_text().splitlines()
        self._cases.unlink()
        return [json.loads(line) for line in lines]

    def _write(self, name: str, file: str, status: str, seconds: float, message: str, raised: str) -> None:
        fact = {"name": name, "file": file, "status": status, "seconds": round(seconds, 3), "message": message}
        with self._path.open("a") as out:
            out.write(json.dumps({**fact, "raised": raised}) + "\n")


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What the failing line said, without the listing around it; of a skipped test the reason."""
    if report.passed:
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message)[:4000]
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr).strip()[-4000:]


def pytest_configure(config: pytest.Config) -> None:
    """Start to record where it is asked for."""
    if path := os.environ.get("OCELLUS_TESTS"):
        config.pluginmanager.register(Recorder(Path(path)), "ocellus-recorder")
