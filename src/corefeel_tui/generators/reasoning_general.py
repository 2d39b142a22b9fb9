"""Word problems in plain English with two to five steps over whole numbers.

Knows each problem's intermediate values; nothing of how a model words its working.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from corefeel_tui.items import Check, Item

NAMES = ("Ada", "Bruno", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas")


class Problem(NamedTuple):
    """A question and its steps as (calculation, value); the last value is the result."""

    question: str
    steps: tuple[tuple[str, int], ...]


def pens(rng: random.Random) -> Problem:
    boxes, each, broken = rng.randint(6, 24), rng.randint(8, 36), rng.randint(3, 40)
    return Problem(
        f"A shop receives {boxes} boxes with {each} pens each. {broken} pens are broken. "
        "How many pens can be sold?",
        ((f"{boxes} × {each}", boxes * each), (f"- {broken}", boxes * each - broken)),
    )


def bus(rng: random.Random) -> Problem:
    start, on, off, last = (rng.randint(*r) for r in ((20, 45), (4, 12), (2, 9), (3, 15)))
    after = start + on
    return Problem(
        f"A bus leaves with {start} people. At the first stop {on} get on and {off} get off. At "
        f"the second stop twice as many get on as at the first, and {last} get off. "
        "How many people are on the bus now?",
        (
            (f"{start} + {on}", after),
            (f"- {off}", after - off),
            (f"2 × {on}", 2 * on),
            (f"{after - off} + {2 * on}", after - off + 2 * on),
            (f"- {last}", after - off + 2 * on - last),
        ),
    )


def savings(rng: random.Random) -> Problem:
    name, share, children = rng.choice(NAMES), rng.randint(6, 30), rng.randint(2, 5)
    weekly, weeks = rng.randint(15, 40), rng.randint(8, 20)
    spent = weekly * weeks - share * children
    if spent <= 0:
        return savings(rng)
    return Problem(
        f"{name} saves {weekly} coins a week for {weeks} weeks, spends {spent} of them and shares "
        f"the rest equally among {children} children. How many coins does each child get?",
        (
            (f"{weekly} × {weeks}", weekly * weeks),
            (f"- {spent}", share * children),
            (f"/ {children}", share),
        ),
    )


def fence(rng: random.Random) -> Problem:
    length, width = rng.randint(12, 40), rng.randint(6, 25)
    gate, price = rng.randint(2, 4), rng.randint(7, 19)
    around = 2 * (length + width)
    return Problem(
        f"A rectangular garden is {length} metres long and {width} metres wide. A fence goes all "
        f"the way round except for a gate of {gate} metres. Fence costs {price} coins a metre. "
        "How many coins does the fence cost?",
        (
            (f"{length} + {width}", length + width),
            (f"2 × {length + width}", around),
            (f"- {gate}", around - gate),
            (f"× {price}", (around - gate) * price),
        ),
    )


def bakery(rng: random.Random) -> Problem:
    trays, rolls, days, left = (rng.randint(*r) for r in ((4, 12), (15, 40), (3, 6), (5, 60)))
    baked = trays * rolls * days
    return Problem(
        f"A bakery bakes {trays} trays of {rolls} rolls every day. After {days} days {left} rolls "
        "are left over. How many rolls were sold?",
        (
            (f"{trays} × {rolls}", trays * rolls),
            (f"× {days}", baked),
            (f"- {left}", baked - left),
        ),
    )


def reading(rng: random.Random) -> Problem:
    name, first, days = rng.choice(NAMES), rng.randint(18, 45), rng.randint(3, 9)
    later, more = rng.randint(11, 30), rng.randint(4, 12)
    pages = first * days + later * more
    return Problem(
        f"A book has {pages} pages. {name} reads {first} pages a day for {days} days, and from "
        f"then on {later} pages a day. After how many days in all is the book finished?",
        (
            (f"{first} × {days}", first * days),
            (f"{pages} - {first * days}", later * more),
            (f"/ {later}", more),
            (f"{days} + {more}", days + more),
        ),
    )


def wages(rng: random.Random) -> Problem:
    workers, hours, pay = rng.randint(3, 9), rng.randint(5, 9), rng.randint(11, 24)
    bonus, budget = rng.randint(10, 30), rng.randint(2200, 3000)
    each = hours * pay + bonus
    return Problem(
        f"{workers} workers each work {hours} hours for {pay} coins an hour and each get a bonus "
        f"of {bonus} coins. The budget is {budget} coins. How many coins of it are left?",
        (
            (f"{hours} × {pay}", hours * pay),
            (f"+ {bonus}", each),
            (f"{workers} × {each}", workers * each),
            (f"{budget} - {workers * each}", budget - workers * each),
        ),
    )


def lunch(rng: random.Random) -> Problem:
    guests, rice, beans = rng.randint(6, 18), rng.randint(60, 95), rng.randint(35, 58)
    rice_stock, bean_stock = rng.randint(1800, 2500), rng.randint(1100, 1700)
    rice_left, beans_left = rice_stock - guests * rice, bean_stock - guests * beans
    return Problem(
        f"A kitchen cooks lunch for {guests} guests. Each gets {rice} grams of rice and {beans} "
        f"grams of beans. The store holds {rice_stock} grams of rice and {bean_stock} grams of "
        "beans. How many grams of both together are left afterwards?",
        (
            (f"{guests} × {rice}", guests * rice),
            (f"{rice_stock} - {guests * rice}", rice_left),
            (f"{guests} × {beans}", guests * beans),
            (f"{bean_stock} - {guests * beans}", beans_left),
            (f"{rice_left} + {beans_left}", rice_left + beans_left),
        ),
    )


PROBLEMS: tuple[Callable[[random.Random], Problem], ...] = (
    pens,
    bus,
    savings,
    fence,
    bakery,
    reading,
    wages,
    lunch,
)


def items(count: int, seed: int) -> list[Item]:
    """The kinds of problem take turns; no value of a step is 0 or negative."""
    made: list[Item] = []
    asked: set[str] = set()
    for index in range(count):
        make = PROBLEMS[index % len(PROBLEMS)]
        rng = random.Random(f"reasoning:{seed}:{index}")
        problem = make(rng)
        while problem.question in asked or min(value for _, value in problem.steps) < 1:
            problem = make(rng)
        asked.add(problem.question)
        made.append(_item(problem, make.__name__, index))
    return made


def _item(problem: Problem, kind: str, index: int) -> Item:
    steps = [
        Check(kind="step", rule="pattern", value=number(value)) for _, value in problem.steps[:-1]
    ]
    result = problem.steps[-1][1]
    answer = Check(kind="answer", rule="pattern", value=rf"(?i)answer\W{{0,10}}{number(result)}")
    rows = [f"Step {n}: {text} = {value}" for n, (text, value) in enumerate(problem.steps, 1)]
    return Item(
        id=f"{kind}-{index:03d}",
        prompt=problem.question,
        expected=str(result),
        domain="arithmetic",
        tags=(kind,),
        group={"problem": kind, "hops": len(problem.steps)},
        checks=(*steps, answer),
        replies=("\n".join([*rows, f"Answer: {result}"]),),
    )


def number(value: int) -> str:
    """A pattern for the number by itself, thousands separated or not: 5 stands not in 15 or 5.5."""
    digits = str(value)
    if len(digits) > 3:
        digits = f"{digits[:-3]},?{digits[-3:]}"
    return rf"(?<![\d.,]){digits}(?![\d]|[.,]\d)"
