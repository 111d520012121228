"""Counts over the runs of a campaign: what ran, what became of it, and the verdict in one sentence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocellus_sim.counted import count

from .reading import Campaign, Outcome, Run
from .words import duration

OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "error", "no result")


def outcomes(runs: Iterable[Run]) -> dict[Outcome, int]:
    """How many runs had each outcome, zeros included."""
    counts = dict.fromkeys(OUTCOMES, 0)
    for run in runs:
        counts[run.outcome] += 1
    return counts


@dataclass(frozen=True)
class Row:
    """The runs of one test of the plan.

    Attributes
    ----------
    shows : str
        What the test plan says of it.
    """

    test: str
    kind: str
    shows: str
    runs: Sequence[Run]

    @property
    def counts(self) -> dict[Outcome, int]:
        """Runs by outcome."""
        return outcomes(self.runs)

    @property
    def good(self) -> bool:
        """Whether every run passed."""
        return self.counts["passed"] == len(self.runs)

    @property
    def frames(self) -> int:
        """Frames that were compared."""
        return frames(self.runs)

    @property
    def tests(self) -> int:
        """Of a stage: tests that passed or failed."""
        return tests(self.runs)

    @property
    def seconds(self) -> float:
        """Wall time of all runs."""
        return sum(run.seconds for run in self.runs)


def frames(runs: Iterable[Run]) -> int:
    """Frames of the sensor that were compared in these runs."""
    return sum(int(run.facts.get("frames", 0)) for run in runs if run.job.kind == "sensor")


def tests(runs: Iterable[Run]) -> int:
    """Tests of stages that passed or failed in these runs."""
    return sum(test["status"] != "skipped" for run in runs for test in run.tests)


def rows(campaign: Campaign, shows: Mapping[str, str]) -> list[Row]:
    """A row a test, those that did not pass first, then whole-sensor runs, then stages; ``shows`` says what each is."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in campaign.runs:
        groups.setdefault((run.job.kind, run.job.test), []).append(run)
    found = [Row(test, kind, shows.get(test, ""), runs) for (kind, test), runs in groups.items()]
    return sorted(found, key=lambda row: (row.good, row.kind, row.test))


def verdict(campaign: Campaign) -> tuple[bool, str]:
    """Whether everything passed, and that in a sentence."""
    counts, runs = outcomes(campaign.runs), campaign.runs
    total = len(runs)
    if not total:
        return False, "Nothing ran: this campaign has no runs, so it shows nothing."
    if counts["passed"] == total:
        what = ", and ".join(_checked(runs))
        every = f"All {total} runs passed" if total > 1 else "The one run passed"
        return True, f"{every}: {what}{_where(campaign)}."
    lacking = total - counts["passed"]
    parts = [
        f"{counts['failed']} found a difference" if counts["failed"] else "",
        f"{counts['error']} ended without a verdict" if counts["error"] else "",
        f"{counts['no result']} left no result" if counts["no result"] else "",
    ]
    what = ", ".join(part for part in parts if part)
    return False, f"{lacking} of {count(total, 'run')} did not pass: {what}{_where(campaign)}."


def _where(campaign: Campaign) -> str:
    """The commit and the machine, as the sentence ends with them."""
    name = str(campaign.facts.get("commit", "unknown"))
    changed = ", with changes" if name.endswith("-dirty") else ""
    hosts = {run.result.worker.partition(":")[0] for run in campaign.runs if run.result} - {""}
    host = min(hosts, default=str(campaign.facts.get("machine", "")).partition(",")[0])
    machine = count(len(hosts), "machine") if len(hosts) > 1 else host
    return f" (commit {name.removesuffix('-dirty')}{changed}; on {machine or 'an unknown machine'})"


def _checked(runs: Sequence[Run]) -> list[str]:
    found = []
    if number := frames(runs):
        found.append(f"{count(number, 'frame')} through the whole sensor, equal to the golden model in every stage")
    if number := tests(runs):
        found.append(f"{count(number, 'test')} of single stages")
    return found or ["they left no frames or tests to count"]


def circumstances(campaign: Campaign) -> list[tuple[str, str]]:
    """Where, when and with what: names and values."""
    facts: Mapping[str, Any] = campaign.facts
    began = str(facts.get("began", ""))
    said = [
        ("suite", facts.get("suite", "")),
        ("commit", _commit(str(facts.get("commit", "unknown")))),
        ("machine", facts.get("machine", "")),
        ("began", began.replace("T", " ").replace("+00:00", " UTC")),
        ("run time", f"{duration(sum(run.seconds for run in campaign.runs))}, all runs together"),
        ("shards", count(len(campaign.homes), "folder") if len(campaign.homes) > 1 else ""),
        ("reruns", facts.get("reruns", "")),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())),
    ]
    return [(name, str(value)) for name, value in said if value]


def _commit(name: str) -> str:
    return f"{name.removesuffix('-dirty')}, with changes that are not committed" if name.endswith("-dirty") else name


def slowest(campaign: Campaign, most: int) -> list[tuple[str, str, float]]:
    """The longest runs of the sensor and tests of stages: name, where, seconds."""
    found = [(run.job.name, count(run.job.frames, "frame"), run.seconds) for run in campaign.runs if not run.tests]
    found += [
        (test["name"], f"{run.job.test}, seed {run.job.seed}", float(test["seconds"]))
        for run in campaign.runs
        for test in run.tests
    ]
    return sorted((item for item in found if item[2] > 0), key=lambda item: -item[2])[:most]
