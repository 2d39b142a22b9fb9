"""Events of an edge being felt for: margins of prompts, and how they move as the prompt changes.

Everywhere `margins[MODEL]` is the log-odds (nats) of the readout's first margin label against its
second, None where it is not finite; `probabilities[MODEL]` maps every label to its share, which
sum to 1 (None as well).  The models are those of `variants`, the reference first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


@dataclass(frozen=True, slots=True)
class Margins(Event):
    """The margins of one whole prompt.

    A meter (`EdgeStarted` never comes) tells one per `revision`; a scan's is that of the prompt
    with nothing removed, revision 0.  `reused_tokens` and `computed_tokens` are of one model's
    prompt, the ends of the labels not counted; `seconds` is the engine's work.
    """

    name = "margins"
    run: str
    revision: int
    prompt: str
    reference: str
    readout: JSON
    margins: dict[str, float | None]
    probabilities: dict[str, JSON]
    system: str | None = None
    reused_tokens: int = 0
    computed_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EdgeStarted(Event):
    """A scan, ladder or search begins; `kind` is "scan", "ladder" or "search".

    `total` is how many changed prompts there will be (a search: at most); `slots` holds, for a
    ladder, {"name", "fillers"} per slot in the order of a `RungMargin`'s `rungs`.  A search of a
    suite starts once for every item.
    """

    name = "edge_started"
    run: str
    kind: str
    prompt: str
    variants: list[str]
    reference: str
    readout: JSON
    system: str | None = None
    total: int = 0
    slots: list[JSON] = field(default_factory=list)
    suite: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class WordMargin(Event):
    """The margins without prompt[start:end], which is `text`; `unit` is word, clause or line.

    Subtract the base (`Margins` of the same run) to see how much the part holds up.
    """

    name = "word_margin"
    run: str
    start: int
    end: int
    text: str
    unit: str
    margins: dict[str, float | None]
    probabilities: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class RungMargin(Event):
    """The margins on one rung of a ladder, or in one cell of a map.

    `rungs` holds an index per slot, from 0, `fillers` what stands there; `prompt` is the whole.
    """

    name = "rung_margin"
    run: str
    rungs: list[int]
    fillers: list[str]
    prompt: str
    margins: dict[str, float | None]
    probabilities: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Ranked(Event):
    """The ranked items of a suite, the narrowest margin of the reference first.

    `items` holds {"item", "margin", "label"}; `searched` is how many of the first come next.
    """

    name = "ranked"
    run: str
    suite: str
    items: list[JSON]
    searched: int


@dataclass(frozen=True, slots=True)
class Tried(Event):
    """One changed prompt of a search, in order; number 0 is the prompt unchanged.

    `changes` holds {"kind": reword|drop|reorder|slot, "before", "after"}; `left` names the variants
    whose likeliest label is not the reference's there.
    """

    name = "tried"
    run: str
    number: int
    prompt: str
    changes: list[JSON]
    margins: dict[str, float | None]
    probabilities: dict[str, JSON]
    left: list[str] = field(default_factory=list)
    item: str | None = None


@dataclass(frozen=True, slots=True)
class EdgeFound(Event):
    """The smallest change found at which `variant` leaves the reference.

    Told only after both were computed once more from nothing and disagreed again; the margins are
    those.  `labels` maps reference and variant to what each says there.
    """

    name = "edge_found"
    run: str
    variant: str
    number: int
    prompt: str
    changes: list[JSON]
    labels: dict[str, str]
    margins: dict[str, float | None]
    probabilities: dict[str, JSON]
    readout: JSON
    system: str | None = None
    suite: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class EdgeSearched(Event):
    """One item's search is over.

    `tried` prompts were tried of `bound` there are within the depth and budget; `found` maps every
    variant to the number of its `Tried`, or None; `unstable` names variants whose example did not
    come out again when computed from nothing, so that it was not told.
    """

    name = "edge_searched"
    run: str
    tried: int
    bound: int
    found: dict[str, int | None]
    unstable: list[str] = field(default_factory=list)
    suite: str | None = None
    item: str | None = None
