"""What a campaign consists of: jobs, each a run that stands alone, and their results; both are lines of JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["sensor", "stage"]
Status = Literal["passed", "failed", "error"]
"""``failed``: something differs; ``error``: there is no verdict (the run died, never ran, left nothing)."""


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes
    ----------
    test : str
        Name in the test plan.
    kind : str
        ``sensor``: the whole sensor, `make sim` with ``variables``; ``stage``: the tests under ``tb/<test>``.
    seed, frames : int
        Of a sensor's run: scenes of ``seed`` to ``seed + frames - 1``. A stage's tests take the seed, and no frames.
    variables : mapping
        Further variables of `make sim`.
    build : str
        Name of the simulator under ``build/cosim``; empty for a stage, whose tests build by themselves.
    cost : float
        Seconds that the job is expected to take; the longest are started first.
    """

    test: str
    kind: Kind
    seed: int
    frames: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    build: str = ""
    cost: float = 0.0

    @property
    def name(self) -> str:
        """Unique in a campaign, the same in each that plans the same; fit for a folder's name."""
        more = f"-{self.frames}" if self.kind == "sensor" else ""
        return f"{self.test}-{self.seed}{more}"

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Job":
        """The job of `as_json`."""
        return cls(**{name: value for name, value in data.items() if name != "name"})


@dataclass(frozen=True)
class Result:
    """What became of a job: one line of ``results.jsonl``.

    Attributes
    ----------
    message : str
        Of a run that did not pass: the first difference, or why there is no verdict.
    repeat : str
        What to type to see it again.
    seconds : float
        Wall time.
    began : str
        ISO 8601, UTC.
    worker : str
        Host and process that ran it.
    facts : mapping
        The run's result.json (docs/run.md), coverage included; of a stage: ``tests``, a list of
        ``{name, status, seconds, message}``.
    folder : str
        The run's files, from the campaign's folder; empty where nothing was kept.
    """

    job: Job
    status: Status
    message: str
    repeat: str
    seconds: float
    began: str
    worker: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""

    def line(self) -> str:
        """As it stands in ``results.jsonl``, without the end of the line."""
        return json.dumps({**{name: getattr(self, name) for name in _PLAIN}, "job": self.job.as_json()})

    @classmethod
    def from_line(cls, line: str) -> "Result":
        """The result of `line`; ``ValueError`` for one that was cut off."""
        data = json.loads(line)
        return cls(job=Job.from_json(data.pop("job")), **data)


_PLAIN = ("status", "message", "repeat", "seconds", "began", "worker", "facts", "folder")
