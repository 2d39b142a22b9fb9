"""The gate's three answers from planted evidence, its doubts, bindings and re-judging."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.errors import UsageError
from corefeel_tui.evidence_file import read_evidence
from corefeel_tui.gate import Judgement, judge, measured
from corefeel_tui.policy import Policy, load_policy

from .planted import Behaviour, Plant, approves_one_veto, broken, mute, truthful, write


def gated(path: Path, policy: Policy | None = None, only: tuple[str, ...] = ()) -> Judgement:
    chosen = policy or Policy()
    return judge(measured(read_evidence(path), chosen), chosen, only)


def session(
    tmp_path: Path,
    behaviour: Behaviour,
    n: int = 450,
    control: Behaviour = broken,
    **changes: object,
) -> Path:
    behaviours = {"bf16": truthful, "4bit": behaviour, "control": control}
    plant = Plant(behaviours, verdicts=n, refusals=max(6, n // 3))
    return write(tmp_path / "s.jsonl", plant, **changes)  # type: ignore[arg-type]


def test_an_identical_variant_passes_where_items_are_enough(tmp_path: Path) -> None:
    answer = gated(session(tmp_path, truthful))
    assert (answer.answer, answer.exit_code, answer.control_failed) == ("pass", 0, True)
    assert "Ship: 4bit." in answer.paragraph


def test_an_identical_variant_is_inconclusive_at_ten(tmp_path: Path) -> None:
    answer = gated(session(tmp_path, truthful, n=10, control=mute))
    assert (answer.answer, answer.exit_code) == ("inconclusive", 3)
    assert "149 clean eligible items" in answer.paragraph


def test_a_broken_variant_fails(tmp_path: Path) -> None:
    answer = gated(session(tmp_path, broken))
    assert (answer.answer, answer.exit_code) == ("fail", 1)
    assert "Do not ship: 4bit." in answer.paragraph


@pytest.mark.parametrize("n", [10, 300])
def test_one_new_critical_error_fails_at_any_size(tmp_path: Path, n: int) -> None:
    answer = gated(session(tmp_path, approves_one_veto, n, control=mute))
    assert answer.answer == "fail"
    assert "1 new critical error in" in answer.paragraph
    assert "verdicts/v2" in answer.paragraph


def test_a_mute_variant_has_collapsed(tmp_path: Path) -> None:
    answer = gated(session(tmp_path, mute))
    assert answer.variants[0].reasons[0] == "collapsed: 100 % of verdicts answers cannot be parsed"


def test_a_control_that_does_not_fail_leaves_everything_open(tmp_path: Path) -> None:
    answer = gated(session(tmp_path, broken, control=truthful))
    assert (answer.answer, answer.control_failed) == ("inconclusive", False)
    assert "did not fail" in answer.paragraph


def test_without_a_control_nothing_passes(tmp_path: Path) -> None:
    plant = Plant({"bf16": truthful, "4bit": truthful}, 450, 150, control=None)
    answer = gated(write(tmp_path / "s.jsonl", plant))
    assert answer.exit_code == 3
    assert answer.as_dict()["control"] == {"name": None, "failed": False}


def test_a_reference_that_differs_from_itself_leaves_everything_open(tmp_path: Path) -> None:
    path = session(tmp_path, truthful, header={"floors": {"F0": {"kl_mean": 1e-9}}})
    answer = gated(path)
    assert answer.exit_code == 3
    assert "F0" in answer.paragraph


def test_without_refusal_items_the_policy_cannot_be_resolved(tmp_path: Path) -> None:
    plant = Plant({"bf16": truthful, "4bit": truthful, "control": broken}, 450)
    answer = gated(write(tmp_path / "s.jsonl", plant))
    assert answer.answer == "inconclusive"
    assert "kept refusals: nothing was measured" in answer.paragraph


def test_the_worst_variant_decides_unless_others_are_chosen(tmp_path: Path) -> None:
    behaviours = {"bf16": truthful, "8bit": truthful, "3bit": broken, "control": broken}
    path = write(tmp_path / "s.jsonl", Plant(behaviours, 450, 150))
    assert gated(path).exit_code == 1
    assert gated(path, only=("8bit",)).exit_code == 0
    with pytest.raises(UsageError, match="did you mean “8bit”"):
        gated(path, only=("8bits",))
    with pytest.raises(UsageError, match="never judged"):
        gated(path, only=("control",))


def test_a_variant_that_failed_while_running_fails(tmp_path: Path) -> None:
    path = session(tmp_path, truthful)
    failed = {"event": "failed", "reason": "logits are NaN", "variant": "4bit"}
    lines = path.read_bytes().splitlines(keepends=True)
    line = json.dumps(failed, separators=(",", ":")).encode() + b"\n"
    path.write_bytes(b"".join([*lines[:-1], line, lines[-1]]))
    answer = gated(path)
    assert answer.exit_code == 1
    assert "4bit failed: logits are NaN" in answer.paragraph


def test_bindings_refuse_other_evidence(tmp_path: Path) -> None:
    path = session(tmp_path, truthful, 30)
    gated(path, Policy.model_validate({"bind": {"weights": "abc", "versions": {"mlx": "0.32.4"}}}))
    for bind in ({"weights": "xyz"}, {"versions": {"mlx": "1"}}, {"variants": ["6bit"]}):
        with pytest.raises(UsageError, match="does not match the policy"):
            gated(path, Policy.model_validate({"bind": bind}))


def test_label_sets_and_rules_change_without_a_model(tmp_path: Path) -> None:
    path = session(tmp_path, truthful, 90)
    narrow = {"suites": {"verdicts": {"labels": ["APPROVE", "VETO"]}}}
    values = measured(read_evidence(path), Policy.model_validate(narrow)).values["4bit"]
    assert values["verdicts/unparsed_rate"].value == pytest.approx(1 / 3)
    other = {"suites": {"verdicts": {"verdict": {"json_key": "verdict"}}}}
    values = measured(read_evidence(path), Policy.model_validate(other)).values["4bit"]
    assert values["verdicts/unparsed_rate"].value == 1
    with pytest.raises(UsageError, match="was not run; did you mean “verdicts”"):
        measured(read_evidence(path), Policy.model_validate({"suites": {"verdict": {}}}))


def test_policies_add_cells_and_limits(tmp_path: Path) -> None:
    path = session(tmp_path, broken, 90)
    strict = {"cell": [{"expected": "VETO", "given": "REVISE"}]}
    loose = measured(read_evidence(path), Policy())
    more = measured(read_evidence(path), Policy.model_validate(strict))
    assert more.critical("4bit").count > loose.critical("4bit").count
    lenient = {"limit": [{"metric": "verdicts/verdict_accuracy", "low": 0.2}]}
    answer = gated(path, Policy.model_validate(lenient))
    reasons = answer.variants[0].reasons
    assert any(reason.startswith("verdict accuracy:") for reason in reasons)


def test_limits_on_resampled_metrics(tmp_path: Path) -> None:
    behaviours = {"bf16": truthful, "4bit": truthful, "control": broken}
    plant = Plant(behaviours, 60, 60, kl={"4bit": 0.05, "control": 3.0})
    path = write(tmp_path / "s.jsonl", plant)
    for high, expected in ((0.001, "fail"), (0.5, "pass")):
        policy = Policy.model_validate({"limit": [{"metric": "kl_mean", "high": high}]})
        found = gated(path, policy).variants[0].criteria
        assert next(x.answer for x in found if x.name == "kl mean") == expected


def test_a_wrong_policy_is_refused_with_line_and_mend(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("confidence = 0.95\n[critical]\nuper = 0.01\n")
    with pytest.raises(
        UsageError, match=r"line 3: unknown key “critical\.uper”; did you mean “upper”"
    ):
        load_policy(path)
    path.write_text('[[limit]]\nmetric = "kl_mean"\n')
    with pytest.raises(UsageError, match="set low, high or both"):
        load_policy(path)
    assert load_policy(None) == Policy()


# --- stopped early ------------------------------------------------------------------------------


def stopped(tmp_path: Path, stop: ev.VariantStopped, plant: Plant, sequential: bool) -> Path:
    """A planted session that tells of a variant being asked no more."""
    path = write(tmp_path / "stopped.jsonl", plant)
    first, planned, *rest = path.read_bytes().splitlines(keepends=True)
    if sequential:
        planned = planned.replace(b'"sequential":false', b'"sequential":true')
    path.write_bytes(b"".join([first, planned, ev.encode(stop), ev.encode(stop), *rest]))
    return path


def test_a_variant_stopped_for_collapse_fails_with_the_n_reached(tmp_path: Path) -> None:
    reason = "top-1 agreement is 31 %, under 50 %"
    stop = ev.VariantStopped("eval", "4bit", "collapse", reason, 24)
    plant = Plant({"bf16": truthful, "4bit": truthful, "control": broken}, 600, 300)
    evidence = read_evidence(stopped(tmp_path, stop, plant, sequential=False))
    assert [(s.variant, s.items) for s in evidence.stopped] == [("4bit", 24)]
    found = judge(measured(evidence, Policy()), Policy())
    assert found.exit_code == 1
    assert found.variants[0].reasons[0] == f"collapsed: {reason}; stopped after 24 items"
    lenient = Policy(collapse=False)
    assert judge(measured(evidence, lenient), lenient).exit_code == 3, "half a sample never passes"


def test_what_the_sequential_test_ended_fails_nobody_by_its_share(tmp_path: Path) -> None:
    plant = Plant({"bf16": truthful, "4bit": broken, "control": broken}, 60, 30)
    whole = judge(measured(read_evidence(write(tmp_path / "w.jsonl", plant)), Policy()), Policy())
    flips = {c.name: c.answer for c in whole.variants[0].criteria}
    assert flips["changed decisions"] == "fail"
    stop = ev.VariantStopped("eval", "4bit", "drifted", "2 of 8", 8, "verdicts@general")
    evidence = read_evidence(stopped(tmp_path, stop, plant, sequential=True))
    found = judge(measured(evidence, Policy()), Policy()).variants[0]
    flips = {c.name: c.answer for c in found.criteria}
    assert flips["changed decisions"] == "inconclusive"
    assert any("sequential test (1 % against 5 % changed)" in note for note in found.notes)
    assert any("drifted" in note for note in found.notes)
