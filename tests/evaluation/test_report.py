"""The report's object, page, terminal and JUnit forms on one planted session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from corefeel_tui.hypotheses import CLAIMS, Claim, judge
from corefeel_tui.report import evaluation_text, junit, markdown
from corefeel_tui.report.evaluation import Evaluation, as_dict, evaluate
from corefeel_tui.report.tables import cell
from corefeel_tui.report.telling import telling

from .planted import Plant, broken, silent, truthful, write

BEHAVIOURS = {"bf16": truthful, "8bit": truthful, "3bit": broken, "control": broken}
KL = {"8bit": 0.001, "3bit": 0.3, "control": 3.0}


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    plant = Plant(BEHAVIOURS, 60, 24, 12, KL, {"8bit": 0.85, "3bit": 1.1})
    return evaluate(write(tmp_path_factory.mktemp("r") / "s.jsonl", plant))


def test_the_object_has_the_promised_shape(evaluation: Evaluation) -> None:
    told = as_dict(evaluation)
    assert set(told) == {
        "session", "status", "reference", "execution", "items", "variants", "confusion",
        "against_reference", "critical", "critical_new", "hypotheses", "gate",
    }  # fmt: skip
    assert told["items"] == {"planned": 96, "finished": 96, "skipped": 0}
    assert set(told["variants"]["3bit"]["kl_mean"]) == {"value", "low", "high", "n", "floor"}
    assert set(told["gate"]) == {"answer", "variants", "control"}
    assert set(told["critical"]["bf16"]) == {"count", "eligible", "upper95", "items"}
    assert "bf16" not in told["critical_new"]
    assert sum(told["confusion"]["3bit"]["verdicts"]["VETO"].values()) == 20


def test_every_interval_holds_its_value(evaluation: Evaluation) -> None:
    for values in evaluation.profile.values.values():
        for found in values.values():
            if found.value is not None and found.low is not None and found.high is not None:
                assert found.low - 1e-6 <= found.value <= found.high + 1e-6, found


def test_floors_stand_beside_the_drift(evaluation: Evaluation) -> None:
    assert evaluation.profile.values["3bit"]["kl_mean"].floor == 3e-7
    assert evaluation.profile.values["bf16"]["verdicts/verdict_accuracy"].floor is None


def test_drift_is_told_by_token_role(evaluation: Evaluation) -> None:
    values = evaluation.profile.values["3bit"]
    drifts = [item.drift["3bit"][0].roles["verdict"] for item in evaluation.evidence.items]
    expected = sum(kl for _, kl, _ in drifts) / len(drifts)
    assert values["kl_at_role/verdict"].value == pytest.approx(expected)
    assert values["flips_at_role/verdict"].value == pytest.approx(
        sum(flips for _, _, flips in drifts) / len(drifts)
    )
    page = markdown.render(evaluation)
    assert "| verdict words |" in page.partition("## Where in the answers it drifted")[2]


def test_the_most_telling_items_are_critical_and_from_those_judged(evaluation: Evaluation) -> None:
    found = telling(evaluation.profile)
    assert len(found) == 10
    assert found[0].why.startswith("critical error")
    assert {one.variant for one in found} <= {"8bit", "3bit"}
    assert len({(one.suite, one.item.id) for one in found}) == 10


def test_the_page_begins_with_the_answer(evaluation: Evaluation) -> None:
    page = markdown.render(evaluation)
    title, _, answer, *_ = page.splitlines()
    assert title == "# May Pocket ship quantized?"
    assert answer.startswith("Do not ship: 3bit. Cannot tell yet: 8bit.")
    for heading in (
        "## What changed",
        "## Every measurement",
        "## How this was measured",
    ):
        assert heading in page


def test_what_changed_stands_beside_the_reference_and_the_floor(evaluation: Evaluation) -> None:
    table = markdown.render(evaluation).partition("## What changed")[2]
    rows = {line.split(" | ")[0]: line for line in table.splitlines() if line.startswith("| ")}
    right = rows["| verdicts: right decisions"].split(" | ")
    assert right[1].startswith("100.0 %"), "the reference's own"
    assert rows["| mean KL per token, nats"].split(" | ")[1::3] == ["–", "3e-7 |"]


def test_a_long_prompt_of_a_telling_item_is_quoted_whole(evaluation: Evaluation) -> None:
    one = telling(evaluation.profile)[0]
    long = replace(one, item=replace(one.item, prompt="Evidence:\n" + "TRP-1 harm\n" * 30))
    told = markdown._facts(long)
    assert told.startswith("Asked:\n\n```text\nEvidence:\nTRP-1 harm\n")
    assert told.count("TRP-1 harm") == 30
    assert told.endswith("```\n\nRight: VETO.")


def test_foreign_text_cannot_leave_its_fence() -> None:
    hostile = "```\n# fake\x1b[31m | [red]"
    shown = markdown.quoted(hostile)
    assert shown.startswith("````text\n")
    assert shown.endswith("\n````")
    assert "\x1b" not in shown
    assert cell("a | b\n") == "a \\| b␊"


def test_the_terminal_shows_answer_figures_and_claims(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation_text.print_evaluation(evaluation)
    told = capsys.readouterr().out
    for words in ("DO NOT SHIP", "mean KL per token", "most telling items", "claims tested"):
        assert words in told


def test_junit_counts_what_is_open_as_errors(evaluation: Evaluation) -> None:
    root = ElementTree.fromstring(junit.render(evaluation.judgement))
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"8bit", "3bit"}
    assert int(suites["3bit"].get("failures") or 0) >= 1
    assert int(suites["8bit"].get("errors") or 0) >= 1
    assert suites["8bit"].get("failures") == "0"


def test_claims_are_answered_from_the_interval(evaluation: Evaluation) -> None:
    found = {(x.claim.name, x.variant): x.answer for x in evaluation.findings}
    assert found["8bit-shorter", "8bit"] == "supported"
    assert found["8bit-shallower", "8bit"] == "not measured"
    assert found["3bit-breaks-veto", "3bit"] in ("supported", "not resolved")
    assert {claim.name for claim in CLAIMS} >= {name for name, _ in found}


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (0.82, 0.88, "supported"),
        (0.95, 1.02, "contradicted"),
        (0.7, 0.85, "not resolved"),
        (None, None, "not resolved"),
    ],
)
def test_a_claim_is_open_where_its_interval_crosses(
    low: float | None, high: float | None, answer: str
) -> None:
    assert judge(Claim("x", "", 8, "style/length_ratio", 0.8, 0.9, ""), low, high) == answer


def test_equal_evidence_gives_equal_reports(tmp_path: Path) -> None:
    plant = Plant(BEHAVIOURS, 30, 12, 4, KL)
    first = as_dict(evaluate(write(tmp_path / "s.jsonl", plant)))
    assert as_dict(evaluate(tmp_path / "s.jsonl")) == first


def test_a_silent_variant_has_collapsed_and_is_shown_silent(tmp_path: Path) -> None:
    behaviours = {"bf16": truthful, "2bit": silent, "control": broken}
    plant = Plant(behaviours, refusals=40, kl={"2bit": 0.1, "control": 3.0})
    evaluation = evaluate(write(tmp_path / "s.jsonl", plant))
    values = evaluation.profile.values
    assert values["2bit"]["refusal/blank_rate"].value == 1
    assert values["bf16"]["refusal/blank_rate"].value == 0
    assert values["2bit"]["refusal/verdict_accuracy"].value == 0
    page = markdown.render(evaluation)
    assert "2bit answered nothing." in page
    assert "100 % of refusal answers have no word in them" in page
    assert "```text\n\n```" not in page
