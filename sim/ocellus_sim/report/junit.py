"""The campaign as JUnit XML, which every CI server reads: runs of the sensor, and every test of each stage."""

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as Tree

from .failures import UNFINISHED
from .reading import Campaign, Run

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def junit(campaign: Campaign) -> str:
    """The file's text. A run that left no result is an error."""
    root = Tree.Element("testsuites", name=f"ocellus {campaign.facts.get('suite', '')}".strip())
    for suite in (*_sensor(campaign.runs), *_stages(campaign.runs)):
        root.append(suite)
    _count(root, [case for suite in root for case in suite.iter("testcase")])
    del root.attrib["skipped"]  # testsuites has none
    Tree.indent(root)
    return Tree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _sensor(runs: Sequence[Run]) -> Iterator[Tree.Element]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.job.kind == "sensor":
            groups.setdefault(run.job.test, []).append(run)
    for test, group in groups.items():
        yield _suite(f"sensor.{test}", group[0], [_case(f"sensor.{test}", run) for run in group])


def _stages(runs: Sequence[Run]) -> Iterator[Tree.Element]:
    for run in runs:
        if run.job.kind != "stage":
            continue
        name = f"stage.{run.job.test}"
        cases = []
        for test in run.tests:
            case = _element("testcase", name=test["name"], classname=name, time=f"{float(test['seconds']):.3f}")
            if test["status"] != "passed":
                case.append(_said("skipped" if test["status"] == "skipped" else "failure", test["message"]))
            cases.append(case)
        failing = any(case.find("failure") is not None for case in cases)
        if not cases or (run.outcome != "passed" and not failing):
            cases.append(_case(name, run))
        yield _suite(f"{name}.seed-{run.job.seed}", run, cases)


def _case(suite: str, run: Run) -> Tree.Element:
    case = _element("testcase", name=run.job.name, classname=suite, time=f"{run.seconds:.3f}")
    if run.outcome != "passed":
        case.append(_said("failure" if run.outcome == "failed" else "error", _message(run)))
    return case


def _message(run: Run) -> str:
    return f"{run.result.message}\nagain: {run.result.repeat}" if run.result else UNFINISHED


def _said(kind: str, message: str) -> Tree.Element:
    first = message.strip().partition("\n")[0]
    said = _element(kind, message=first) if kind == "skipped" else _element(kind, message=first, type=kind)
    said.text = _clean(message)
    return said


def _suite(name: str, run: Run, cases: Sequence[Tree.Element]) -> Tree.Element:
    suite = _element("testsuite", name=name)
    if run.result:
        suite.set("timestamp", run.result.began.partition("+")[0])
        suite.set("hostname", _clean(run.result.worker.partition(":")[0]))
    suite.extend(cases)
    _count(suite, cases)
    return suite


def _count(element: Tree.Element, cases: Sequence[Tree.Element]) -> None:
    for kind, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(kind, str(sum(case.find(child) is not None for case in cases)))
    element.set("tests", str(len(cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _element(tag: str, **attributes: str) -> Tree.Element:
    return Tree.Element(tag, {name: _clean(value) for name, value in attributes.items()})


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
