"""The heal test and branches on tiny models: forced tokens against recomputation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from scipy.special import log_softmax

from corefeel_tui import branches, forks
from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.service import Service
from corefeel_tui.errors import UsageError
from corefeel_tui.folding import Record, apply

from .tiny_models import write_tiny_model

ARCHITECTURES = ["qwen3", "gemma3_text", "qwen3_5"]
"""Dense, rotating and hybrid caches."""


class Bench:
    """A service with a tiny model in three precisions, and everything it said."""

    def __init__(self, directory: Path, architecture: str) -> None:
        path = write_tiny_model(directory / "tiny", architecture, sharpness=2.0)
        self.service = Service()
        self.record = Record()
        load = c.Load(str(path), ["bf16", "3bit", "2bit"])
        for event in self.service.load(load, lambda event: None):
            if event:
                apply(self.record, event)

    @property
    def models(self) -> ModelSet:
        assert self.service.models is not None
        return self.service.models

    def say(self, steps: object) -> list[ev.Event]:
        said = [event for event in steps if event is not None]  # type: ignore[attr-defined]
        for event in said:
            apply(self.record, event)
        return said

    def ask(self, run: str, prompt: str = "Open the east valve?", **options: object) -> None:
        options.setdefault("max_tokens", 24)
        self.say(self.service.ask(c.Ask(run, prompt, **options), lambda: False))  # type: ignore[arg-type]

    def cases(self, run: str) -> list[forks.ForkCase]:
        found = self.record.runs[run]
        return [forks.case_of(found, name) for name in forks.forked(found)]

    def heal(self, cases: list[forks.ForkCase]) -> list[ev.Healed]:
        command = c.Heal("h", [case.as_dict() for case in cases])
        said = self.say(self.service.heal(command, lambda: False))
        return [event for event in said if isinstance(event, ev.Healed)]

    def logprobs(self, name: str, tokens: list[int]) -> np.ndarray:
        """(len, V) in float64, from one pass without caches."""
        logits = self.models.models[name].model(mx.array(tokens)[None])[0].astype(mx.float32)
        return log_softmax(np.array(logits).astype(np.float64), axis=-1)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("heal"), request.param)
    bench.ask("greedy")
    bench.ask("warm", temperature=1.0, seed=3)
    return bench


def test_both_sides_are_what_a_fresh_pass_would_write(bench: Bench) -> None:
    cases = bench.cases("greedy")
    assert cases, "tiny models in 2 and 3 bits part soon"
    told = bench.heal(cases)
    assert len(told) == len(cases)
    for healed in told:
        case = next(case for case in cases if case.variant == healed.variant)
        before = case.ids["bf16"][: case.position]
        for name, other in (("bf16", case.variant), (case.variant, "bf16")):
            ids = healed.healed[name]["ids"]
            assert ids[0] == case.ids[other][case.position], "the other's token"
            logprobs = bench.logprobs(name, [*case.prompt, *before, *ids])
            start = len(case.prompt) + len(before)
            top = healed.top[name]
            np.testing.assert_allclose(
                top["logprob"], logprobs[start - 1][top["ids"]], atol=1e-4, rtol=1e-4
            )
            both = [healed.tokens["bf16"], healed.tokens[case.variant]]
            np.testing.assert_allclose(
                healed.logprob[name], logprobs[start - 1][both], atol=1e-4, rtol=1e-4
            )
            np.testing.assert_array_equal(ids[1:], logprobs[start:-1].argmax(-1))


def test_side_by_side_or_alone_makes_no_difference(bench: Bench) -> None:
    cases = [*bench.cases("greedy"), *bench.cases("warm")]
    together = {(h.of, h.variant): h for h in bench.heal(cases)}
    for case in cases:
        (alone,) = bench.heal([case])
        assert replace(alone, top={}, logprob={}) == replace(
            together[case.of, case.variant], top={}, logprob={}
        )


def test_a_healed_sample_draws_the_noise_of_its_positions(bench: Bench) -> None:
    """Given its own token again, a model writes its own answer again."""
    case = bench.cases("warm")[0]
    own = case.ids["bf16"]
    (healed,) = bench.heal([replace(case, ids={**case.ids, case.variant: own})])
    assert healed.healed["bf16"]["ids"] == own[case.position :]
    assert healed.healed["bf16"]["rejoins"]["at"] == 0


def test_a_fork_of_twins_is_a_tie_break(bench: Bench) -> None:
    """Two answers of one model that part at one token: either goes on as the other did."""
    case = bench.cases("greedy")[0]
    (first,) = bench.heal([case])
    said = first.healed["bf16"]
    twin = [*case.ids["bf16"][: case.position], *said["ids"]]
    runs_on = replace(
        case,
        ids={"bf16": case.ids["bf16"], case.variant: twin},
        ended={"bf16": case.ended["bf16"], case.variant: said["reason"] == "stop"},
    )
    (again,) = bench.heal([runs_on])
    assert again.healed["bf16"]["rejoins"]["at"] == 0, "what it said before it says again"


def test_what_cannot_be_healed_is_a_sentence(bench: Bench) -> None:
    case = bench.cases("greedy")[0]
    foreign = {**case.ids, "bf16": [*case.ids["bf16"][:-1], 70_000]}
    with pytest.raises(UsageError, match="no token 70000 in this model's vocabulary of 384"):
        bench.heal([replace(case, ids=foreign)])
    with pytest.raises(UsageError, match="position 99 is past the end"):
        bench.heal([replace(case, position=99)])
    with pytest.raises(UsageError, match="context of 512"):
        bench.heal([replace(case, prompt=case.prompt * 60)])
    with pytest.raises(UsageError, match="made with another model"):
        bench.heal([replace(case, origin={"model": "else", "fingerprint": {"content": "else"}})])


def test_a_cancelled_heal_says_so(bench: Bench) -> None:
    command = c.Heal("h", [case.as_dict() for case in bench.cases("greedy")])
    said = [event for event in bench.service.heal(command, lambda: True) if event]
    assert said[-1] == ev.ItemFinished("h", "cancelled")
    assert not any(isinstance(event, ev.Healed) for event in said)


# --- branches -------------------------------------------------------------------------------------


def test_a_branch_is_the_recomputation_of_its_tokens(bench: Bench) -> None:
    """Every model goes on from the same forced beginning, scored as if it had said so itself."""
    for trajectory in ("bf16", "2bit"):
        ids = bench.record.runs["greedy"].trajectories[trajectory].ids
        position = min(9, len(ids) - 1)
        token = next(t for t in range(100, 120) if t != ids[position])
        origin = branches.Origin("greedy", trajectory, position)
        command = branches.with_token(bench.record, origin, token, f"b-{trajectory}", 12)
        bench.say(bench.service.ask(command, lambda: False))
        run = bench.record.runs[f"b-{trajectory}"]
        assert run.started.branches_from == {
            "run": "greedy", "trajectory": trajectory, "position": position, "token": token
        }  # fmt: skip
        assert run.started.prompt_ids == {"bf16": run.started.prompt_ids["bf16"]}
        prompt = run.started.prompt_ids["bf16"]
        for name, answer in run.trajectories.items():
            assert answer.ids[: position + 1] == [*ids[:position], token]
            assert len(answer.ids) <= position + 1 + 12
            logprobs = bench.logprobs(name, [*prompt, *answer.ids])[len(prompt) - 1 :]
            track = answer.tracks[name]
            expected = logprobs[np.arange(len(track)), answer.ids]
            np.testing.assert_allclose(track.columns["logprob"], expected, atol=2e-4, rtol=1e-4)
            free = logprobs[position + 1 : -1].argmax(-1)
            np.testing.assert_array_equal(answer.ids[position + 1 :], free)


def test_an_edited_prompt_keeps_the_beginning_of_the_answer(bench: Bench) -> None:
    ids = bench.record.runs["greedy"].trajectories["3bit"].ids
    origin = branches.Origin("greedy", "3bit", 4)
    command = branches.with_prompt(bench.record, origin, "Open the west valve?", "edited", 8)
    bench.say(bench.service.ask(command, lambda: False))
    run = bench.record.runs["edited"]
    assert run.started.prompt == "Open the west valve?"
    assert run.started.prompt_ids != bench.record.runs["greedy"].started.prompt_ids
    assert {tuple(answer.ids[:4]) for answer in run.trajectories.values()} == {tuple(ids[:4])}
    tree = branches.tree(bench.record)
    greedy = next(node for node in tree if node.run.started.run == "greedy")
    assert "edited" in [node.run.started.run for node in greedy.branches]


def test_a_branch_that_cannot_be_is_a_sentence(bench: Bench) -> None:
    origin = branches.Origin("greedy", "bf16", 2)
    for token in (384, -1):
        command = branches.with_token(bench.record, origin, token, "b", 8)
        with pytest.raises(UsageError, match=f"there is no token {token} in"):
            bench.say(bench.service.ask(command, lambda: False))
    with pytest.raises(UsageError, match="position 77 is past the end of the answer of bf16"):
        branches.with_token(bench.record, replace(origin, position=77), 5, "b", 8)
    with pytest.raises(UsageError, match="not in this session"):
        branches.with_token(bench.record, replace(origin, run="gone"), 5, "b", 8)
    command = branches.with_token(bench.record, origin, 100, "b", 8)
    elsewhere = replace(command, origin={"model": "else", "fingerprint": {"content": "e"}})
    with pytest.raises(UsageError, match="made with another model"):
        bench.say(bench.service.ask(elsewhere, lambda: False))
    long = replace(command, forced=[100] * 600)
    with pytest.raises(UsageError, match="context of 512"):
        bench.say(bench.service.ask(long, lambda: False))
