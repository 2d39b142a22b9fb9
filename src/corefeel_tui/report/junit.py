"""A judgement as JUnit XML: one suite per variant, one case per criterion.

Knows the format that build servers read; judges nothing.  What cannot be told yet is an error, not
a skipped case: a build server shows skipped ones as green.
"""

from __future__ import annotations

from xml.etree import ElementTree as xml

from corefeel_tui.criteria import Criterion
from corefeel_tui.gate import Judgement
from corefeel_tui.text.inert import inert

TAGS = {"fail": "failure", "inconclusive": "error"}


def render(judgement: Judgement) -> str:
    """The document."""
    root = xml.Element("testsuites", name="corefeel gate")
    for variant in judgement.variants:
        cases = [
            *variant.criteria,
            *(Criterion("trust", "inconclusive", x) for x in judgement.doubts),
        ]
        counted = [case.answer for case in cases]
        suite = xml.SubElement(
            root,
            "testsuite",
            name=variant.variant,
            tests=str(len(cases)),
            failures=str(counted.count("fail")),
            errors=str(counted.count("inconclusive")),
        )
        for case in cases:
            _case(suite, variant.variant, case)
    xml.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"
    )


def _case(suite: xml.Element, variant: str, criterion: Criterion) -> None:
    case = xml.SubElement(suite, "testcase", classname=f"corefeel.{variant}", name=criterion.name)
    reason = inert(criterion.reason)
    if criterion.answer in TAGS:
        xml.SubElement(case, TAGS[criterion.answer], type=criterion.answer, message=reason)
    else:
        xml.SubElement(case, "system-out").text = reason
