"""Suite files a person may write: what is refused, in which words, and what a name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from corefeel_tui.errors import UsageError
from corefeel_tui.suites import find_suite, load_suite, resolve

HEAD = '[suite]\nname = "mine"\nkind = "style"\n'
ITEM = '[[item]]\nid = "a"\nprompt = "Say yes."\n'
LABELS = 'labels = ["no", "yes"]\n'

REFUSED = {
    "unknown check": (
        HEAD + ITEM + 'checks = [{ kind = "step", rule = "contain", value = "x" }]\n',
        "line 7",
        "contains",
    ),
    "check without a value": (
        HEAD + ITEM + 'checks = [{ kind = "step", rule = "contains" }]\n',
        "line 7",
        "needs a value",
    ),
    "words that are no number": (
        HEAD + ITEM + 'checks = [{ kind = "constraint", rule = "max_words", value = "ten" }]\n',
        "line 7",
        "ten",
    ),
    "pattern that does not compile": (
        HEAD + ITEM + 'checks = [{ kind = "step", rule = "pattern", value = "(" }]\n',
        "line 7",
        "does not compile",
    ),
    "check of a turn that is not there": (
        HEAD + ITEM + 'checks = [{ kind = "step", rule = "contains", value = "x", turn = 1 }]\n',
        "line 4",
        "beyond the last",
    ),
    "reply that fails its own check": (
        HEAD
        + ITEM
        + 'checks = [{ kind = "step", rule = "contains", value = "yes" }]\nreplies = ["no"]\n',
        "line 4",
        "reply 0 fails its check contains",
    ),
    "too many replies": (HEAD + ITEM + 'replies = ["a", "b"]\n', "line 4", "2 entries for 1 turns"),
    "prompt and turns": (HEAD + ITEM + 'turns = ["b"]\n', "line 4", "either prompt or turns"),
    "ids that occur twice": (HEAD + ITEM + ITEM, "line 8", "second item"),
    "expected label not in the set": (
        HEAD + LABELS + ITEM + 'expected = "yess"\n',
        "line 8",
        "did you mean “yes”?",
    ),
    "ladder label not in the set": (
        HEAD + LABELS + '[[ladder]]\nname = "l"\nexpected = ["no", "ye"]\nrungs = ["a", "b"]\n',
        "line 7",
        "did you mean “yes”?",
    ),
    "ladder without a label a rung": (
        HEAD + LABELS + '[[ladder]]\nname = "l"\nexpected = ["no"]\nrungs = ["a", "b"]\n',
        "line 5",
        "2 rungs but 1 expectations",
    ),
    "unknown generator": (
        HEAD + '[generator]\nname = "verdicts-genral"\ncount = 3\n',
        "line 5",
        "did you mean “verdicts-general”?",
    ),
    "samples without temperature": (HEAD + "samples = 4\n" + ITEM, "line 4", "above 0"),
    "mix with items": (HEAD + ITEM + "[mix]\nstyle = 3\n", "line 7", "no items of its own"),
    "mix of a text": (HEAD + '[mix]\nstyle = "all"\n', "line 5", "mix.style"),
    "nothing in it": (HEAD, "line 1", "no [[item]]"),
    "unknown key": (HEAD + "sample = 3\n" + ITEM, "line 4", "did you mean “samples”?"),
    "json verdict without labels": (
        HEAD + 'verdict = { json_key = "decision" }\n' + ITEM,
        "line 4",
        "two labels",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_file_line_and_mend(tmp_path, case):
    text, line, reason = REFUSED[case]
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_suite(path)
    message = str(refused.value)
    assert f"{path}, {line}:" in message
    assert reason in message


def test_generated_ids_must_differ_from_written_ones(tmp_path):
    path = tmp_path / "mine.toml"
    again = ITEM.replace('"a"', '"pens-000"')
    path.write_text(HEAD + again + '[generator]\nname = "reasoning-general"\ncount = 2\n')
    with pytest.raises(UsageError, match="2 items called “pens-000”"):
        load_suite(path).made()


@pytest.fixture
def prompts(tmp_path, monkeypatch) -> Path:
    """A working directory with suites of its own."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "mine.toml").write_text(HEAD + ITEM)
    (folder / "mine-pocket.toml").write_text(HEAD + 'dialect = "pocket"\n' + ITEM.replace("a", "b"))
    return folder


def test_a_name_means_the_dialect_of_the_model(prompts):
    assert [suite.name for suite in resolve("mine", pocket=True)] == ["mine@pocket"]
    assert [suite.name for suite in resolve("mine", pocket=False)] == ["mine@general"]
    assert [suite.name for suite in resolve("mine@general", pocket=True)] == ["mine@general"]
    assert resolve(str(prompts / "mine.toml"), pocket=True)[0].name == "mine@general"


def test_a_mix_takes_the_first_of_each_suite(prompts):
    mix = HEAD.replace("mine", "both") + 'dialect = "any"\n[mix]\nmine = 1\nreasoning = 3\n'
    (prompts / "both.toml").write_text(mix)
    assert find_suite("both").size == 4
    mine, reasoning = resolve("both", pocket=False)
    assert len(mine.item) == 1
    assert reasoning.item == find_suite("reasoning").made().item[:3]
    assert reasoning.suite.samples == 8


def test_a_mix_of_mixes_is_refused(prompts):
    text = HEAD.replace("mine", "both") + 'dialect = "any"\n[mix]\nquick = 1\n'
    (prompts / "both.toml").write_text(text)
    with pytest.raises(UsageError, match="holds another mix, “quick”"):
        resolve("both", pocket=False)


def test_a_suite_that_is_not_there_is_named(prompts):
    with pytest.raises(UsageError, match=r"no suite is called “mind@general”; did you mean “mine@"):
        resolve("mind", pocket=False)


def test_rungs_become_items_and_an_edge_expects_nothing(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        HEAD + LABELS + '[[ladder]]\nname = "l"\nexpected = ["no", "", "yes"]\n'
        'rungs = ["a", "b", "c"]\n[[ladder]]\nname = "p"\nexpected = ["no", "yes"]\n'
        'rungs = ["d", "e"]\n'
    )
    made = load_suite(path).made()
    assert [item.id for item in made.item] == ["l-0", "l-1", "l-2", "p-0", "p-1"]
    assert [item.expected for item in made.item] == ["no", None, "yes", "no", "yes"]
    assert made.item[1].group == {"ladder": "l", "rung": 1}
    assert made.item[4].group == {"pair": "p", "rung": 1}
