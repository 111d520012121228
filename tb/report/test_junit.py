"""junit.xml holds to the schema that CI servers agree on, and counts what did not pass."""

from pathlib import Path
from xml.etree import ElementTree

from ocellus_sim.report import write
from ocellus_sim.report.junit import junit
from ocellus_sim.report.reading import Campaign

from .campaigns import mixed, passing

SCHEMA = {
    "testsuites": ({"name", "time", "tests", "failures", "errors", "disabled"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "classname", "time", "assertions", "status"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message", "type"}, set()),
}  # fmt: skip
"""Attributes and children of each element, as Jenkins' and Ant's schemas have them."""


def check(element: ElementTree.Element) -> None:
    """Raise AssertionError for what the schema does not know, and for counts that are not those of the cases."""
    attributes, children = SCHEMA[element.tag]
    assert set(element.attrib) <= attributes
    assert {child.tag for child in element} <= children
    if element.tag in ("testsuites", "testsuite"):
        cases = list(element.iter("testcase"))
        counts = {"tests": len(cases)}
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            counts[name] = sum(case.find(tag) is not None for case in cases)
        for name, number in counts.items():
            if name in attributes:
                assert int(element.attrib[name]) == number
    if element.tag == "testcase":
        assert element.attrib["name"]
        assert element.attrib["classname"]
        assert float(element.attrib["time"]) >= 0
        assert len(element) <= 1
    for child in element:
        check(child)


def read(home: Path) -> ElementTree.Element:
    write(home)
    root = ElementTree.parse(home / "junit.xml").getroot()
    assert root.tag == "testsuites"
    check(root)
    return root


def test_every_run_and_every_test_of_a_stage_is_a_case(tmp_path: Path):
    root = read(mixed(tmp_path / "night"))
    verdicts = {
        f"{case.attrib['classname']} {case.attrib['name']}": [child.tag for child in case]
        for case in root.iter("testcase")
    }
    assert verdicts == {
        "sensor.line line-1-10": [], "sensor.line line-11-10": ["error"], "sensor.small small-21-10": ["failure"],
        "sensor.image image-31-10": ["error"],
        "stage.link test_a_line[1-2]": [], "stage.link test_a_line[3-4]": [], "stage.link test_a_pixel": [],
        "stage.link test_a_frame": ["skipped"],
        "stage.host test_a_line[1-2]": [], "stage.host test_a_line[3-4]": [], "stage.host test_a_pixel": [],
        "stage.host test_a_frame": ["skipped"], "stage.host test_bytes": ["failure"],
        "stage.host test_words": ["failure"],
    }  # fmt: skip
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("14", "3", "2")


def test_a_campaign_that_passed_has_neither_failures_nor_errors(tmp_path: Path):
    root = read(passing(tmp_path / "night"))
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("5", "0", "0")


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path):
    home = mixed(tmp_path / "night")
    assert "\x1b" in next(
        run.result.message for run in Campaign.read([home]).runs if run.outcome == "failed" and run.result
    )
    text = junit(Campaign.read([home]))
    assert "\x1b" not in text
    failure = next(case for case in ElementTree.fromstring(text).iter("failure") if "rgb" in case.attrib["message"])
    assert "\ufffd[1mwant" in (failure.text or "")
