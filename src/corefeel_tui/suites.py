"""Prompt suites: what a `prompts/*.toml` file may say, where suites are found, what a name means.

Knows the file format and its rules; nothing of models, runs or screens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import regex
from pydantic import BeforeValidator, Field, model_validator

from corefeel_tui import generators, tomlfile
from corefeel_tui.errors import UsageError
from corefeel_tui.items import Item, Ladder, Name, Table
from corefeel_tui.paths import suite_directories
from corefeel_tui.verdicts import VerdictSpec

ANY = "any"
"""The dialect of a suite that every model understands: a mix."""

History = Literal["own", "reference"]
"""Whose replies a conversation goes on with: each model's own, or the reference's for all."""


class VerdictRule(Table):
    """Where an answer's label stands; exactly one of the three.

    A pattern without labels reads a free answer: a number, a name.
    """

    json_key: str | None = Field(None, min_length=1)
    pattern: str | None = Field(None, min_length=1)
    openers: Literal["refusal"] | None = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """One way of reading, and a pattern that compiles with one group."""
        if sum(way is not None for way in (self.json_key, self.pattern, self.openers)) != 1:
            raise ValueError("set exactly one of json_key, pattern and openers")
        if self.pattern is not None:
            try:
                groups = regex.compile(self.pattern).groups
            except regex.error as error:
                raise ValueError(f"the pattern does not compile: {error}") from error
            if groups != 1:
                raise ValueError(f"the pattern needs one group, the label; it has {groups}")
        return self


class Head(Table):
    """The `[suite]` table; labels from mild to severe.

    `samples` answers are drawn per item at `temperature`; every conversation runs once per
    `history`; `calibrated` names the domains that the bundled calibration text covers;
    `sequential` asks a variant no more once the sequential test has answered.
    """

    name: Name
    kind: Name
    description: str = ""
    dialect: Name = "general"
    labels: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    system: str | None = None
    max_tokens: int = Field(256, ge=1, le=1_000_000)
    prefill: str | None = None
    verdict: VerdictRule | None = None
    samples: int = Field(1, ge=1, le=256)
    temperature: float = Field(0.0, ge=0.0, le=10.0)
    history: tuple[History, ...] = Field(("own",), min_length=1)
    calibrated: tuple[str, ...] = ()
    sequential: bool = False


class Generator(Table):
    """Items made by code: so many, from this seed; fewer are the first of more.

    `lengths` are the sizes of texts in words, where a generator writes long ones.
    """

    name: Name
    count: int = Field(ge=1, le=100_000)
    seed: int = Field(0, ge=0, lt=2**63)
    lengths: tuple[Annotated[int, Field(ge=20, le=1_000_000)], ...] = ()


class Portion(Table):
    """What a mix takes of one suite: its first items, each perhaps sampled fewer times."""

    count: int = Field(ge=1)
    samples: int | None = Field(None, ge=1, le=256)


def _portion(value: object) -> object:
    return {"count": value} if isinstance(value, int) else value


class Suite(Table):
    """A whole file."""

    suite: Head
    item: tuple[Item, ...] = ()
    ladder: tuple[Ladder, ...] = ()
    generator: Generator | None = None
    mix: dict[str, Annotated[Portion, BeforeValidator(_portion)]] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The full name, dialect included: `verdicts@pocket`; a mix has none."""
        head = self.suite
        return head.name if head.dialect == ANY else f"{head.name}@{head.dialect}"

    @property
    def size(self) -> int:
        """How many items there are, made ones included."""
        made = self.generator.count if self.generator else 0
        taken = sum(portion.count for portion in self.mix.values())
        return self.written + made + taken

    @property
    def written(self) -> int:
        """How many items stand in the file itself, rungs of ladders included."""
        return len(self.item) + sum(len(ladder.rungs) for ladder in self.ladder)

    def made(
        self, count: int | None = None, samples: int | None = None, sequential: bool = False
    ) -> Suite:
        """This suite with every item in `item`: written ones, rungs, then generated ones.

        `count` keeps the first so many.  Raises UsageError where two items share an id.
        """
        written = [*self.item, *(item for ladder in self.ladder for item in ladder.items())]
        wanted = self.size if count is None else count
        if self.generator and wanted > len(written):
            more = min(self.generator.count, wanted - len(written))
            written += generators.make(
                self.generator.name, more, self.generator.seed, self.generator.lengths
            )
        items = tuple(written[:wanted])
        for name, times in Counter(item.id for item in items).items():
            if times > 1:
                raise UsageError(f"suite {self.name} has {times} items called “{name}”; rename one")
        changes = {
            "samples": samples or self.suite.samples,
            "sequential": sequential or self.suite.sequential,
        }
        head = self.suite.model_copy(update=changes)
        return Suite(suite=head, item=items)

    @property
    def verdict(self) -> VerdictSpec | None:
        """How answers are read where that is by label; the margin is that of the worst mistake."""
        rule, labels = self.suite.verdict, self.suite.labels
        if rule is None or rule.openers or not labels:
            return None
        margin = self.suite.forbidden[0] if self.suite.forbidden else (labels[-1], labels[0])
        return VerdictSpec(labels, rule.json_key, rule.pattern, margin)


def load_suite(path: Path) -> Suite:
    """A suite file.  Raises UsageError naming file, line and mend."""
    suite = tomlfile.load(path, Suite)
    for place, reason in _problems(suite):
        line = tomlfile.line_of(tomlfile.read_text(path), place)
        raise UsageError(f"{path}, line {line}: {reason}")
    return suite


def _problems(suite: Suite) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """What no single value shows: where it stands and what is wrong."""
    head, labels = suite.suite, suite.suite.labels
    if len(set(labels)) != len(labels):
        yield ("suite", "labels"), "a label is listed twice"
    if head.verdict and (len(labels) == 1 or (head.verdict.json_key and not labels)):
        yield ("suite", "verdict"), "a verdict needs at least two labels"
    if head.severity and sorted(head.severity) != sorted(labels):
        yield ("suite", "severity"), "severity must order exactly the labels"
    for label in (label for pair in head.forbidden for label in pair):
        if label not in labels:
            yield ("suite", "forbidden"), _unknown_label(label, labels)
    if head.samples > 1 and not head.temperature:
        yield ("suite", "samples"), "several samples need a temperature above 0"
    if not suite.size:
        yield ("suite",), "the suite has no [[item]], no [[ladder]], no [generator] and no [mix]"
    if suite.mix and suite.size > sum(portion.count for portion in suite.mix.values()):
        yield ("mix",), "a mix has no items of its own; put them into a suite that it names"
    if suite.generator and suite.generator.name not in generators.NAMES:
        known = tomlfile.mend(suite.generator.name, list(generators.NAMES))
        yield ("generator", "name"), f"no generator is called “{suite.generator.name}”; {known}"
    yield from _item_problems(suite)


def _item_problems(suite: Suite) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Ids that occur twice and labels that are not in the set."""
    labels = suite.suite.labels
    seen: Counter[str] = Counter()
    for number, item in enumerate(suite.item):
        seen[item.id] += 1
        if seen[item.id] > 1:
            yield ("item", number, "id"), f"a second item is called “{item.id}”"
        if item.expected is not None and labels and item.expected not in labels:
            yield ("item", number, "expected"), _unknown_label(item.expected, labels)
    for number, ladder in enumerate(suite.ladder):
        seen[ladder.name] += 1
        if seen[ladder.name] > 1:
            yield ("ladder", number, "name"), f"a second entry is called “{ladder.name}”"
        for label in ladder.expected:
            if label and label not in labels:
                yield ("ladder", number, "expected"), _unknown_label(label, labels)


def _unknown_label(label: str, labels: tuple[str, ...]) -> str:
    return f"unknown label “{label}”; {tomlfile.mend(label, list(labels))}"


def suite_files() -> list[Path]:
    """Suite files, a file name in an earlier directory hiding the same name in a later one."""
    files: dict[str, Path] = {}
    for directory in suite_directories():
        for path in sorted(directory.glob("*.toml")):
            files.setdefault(path.name, path)
    return list(files.values())


def find_suite(name: str, dialect: str = "general") -> Suite:
    """The suite of a name, in the given dialect unless the name says one, or of a path.

    Raises UsageError if there is none, or if the file is wrong.
    """
    if name.endswith(".toml"):
        return load_suite(Path(name))
    suites = {suite.name: suite for suite in map(load_suite, suite_files())}
    wanted = name if "@" in name or name in suites else f"{name}@{dialect}"
    if wanted not in suites:
        raise UsageError(f"no suite is called “{wanted}”; {tomlfile.mend(wanted, list(suites))}")
    return suites[wanted]


def resolve(name: str, pocket: bool) -> tuple[Suite, ...]:
    """The suites a name means on this model, their items made: a mix's members, else the one.

    A bare name means Pocket's dialect on Pocket and general English elsewhere.
    Raises UsageError if there is none, or if a file is wrong.
    """
    dialect = "pocket" if pocket else "general"
    suite = find_suite(name, dialect)
    if not suite.mix:
        return (suite.made(),)
    members = []
    for member, portion in suite.mix.items():
        found = find_suite(member, dialect)
        if found.mix:
            raise UsageError(f"the mix “{name}” holds another mix, “{member}”; name its suites")
        members.append(found.made(portion.count, portion.samples, suite.suite.sequential))
    return tuple(members)
