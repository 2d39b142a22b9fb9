"""Everyday workplaces: their things, what is done to them, risks with the measures that meet them.

Knows words only; no rule and no item.
"""

from __future__ import annotations

from typing import NamedTuple


class Workplace(NamedTuple):
    """`things` are plurals, `treatments` fit after “are to be”, `risks` maps a risk to measures."""

    name: str
    things: tuple[str, ...]
    treatments: tuple[str, ...]
    risks: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


WORKPLACES = (
    Workplace(
        "workshop",
        _words("oak planks|varnish tins|saw blades|gas bottles|plywood sheets"),
        _words(
            "stored beside the heater|cut without a guide|moved to the loft|"
            "left on the bench overnight|cleaned with thinner"
        ),
        {
            "fire": _words("a fire blanket|a spark guard"),
            "cuts": _words("a pair of steel gloves|a blade cover"),
            "fumes": _words("an extractor fan|an open door rule"),
        },
        _words(
            "The calendar on the wall is from last year.|The radio plays until four.|"
            "New aprons arrive on Friday."
        ),
    ),
    Workplace(
        "clinic desk",
        _words("patient files|visitor badges|lab samples|repeat prescriptions|referral letters"),
        _words(
            "handed out at the front desk|sent by ordinary post|left in the tray overnight|"
            "copied for the archive|carried by a trainee"
        ),
        {
            "mix-ups": _words("a second name check|a colour code"),
            "loss": _words("a sign-out list|a sealed pouch"),
            "delay": _words("a morning courier|a spare clerk"),
        },
        _words(
            "The waiting room has new chairs.|The phones were quiet at noon.|"
            "A plant on the desk needs water."
        ),
    ),
    Workplace(
        "warehouse",
        _words("drums of solvent|pallets of glass|crates of batteries|rolls of carpet|grain sacks"),
        _words(
            "stacked three high|loaded by forklift|left in the bay overnight|"
            "shipped without wrapping|moved through aisle four"
        ),
        {
            "crushing": _words("a spotter|a floor marking"),
            "leaks": _words("a drip tray|a spill kit"),
            "tipping": _words("a load strap|a side rail"),
        },
        _words(
            "Aisle two was repainted green.|The night shift starts at ten.|"
            "A driver asked where to park."
        ),
    ),
    Workplace(
        "kitchen",
        _words("trays of rice|cream tarts|chicken portions|pans of oil|jars of stock"),
        _words(
            "kept warm for three hours|reheated twice|chilled in the hall|"
            "served at the outdoor table|carried up the back stairs"
        ),
        {
            "spoilage": _words("a probe thermometer|an hourly log"),
            "burns": _words("a pair of oven gloves|a clear walkway"),
            "allergy": _words("an allergen card|a separate board"),
        },
        _words(
            "The menu is printed on blue paper.|Table six booked a birthday.|"
            "The grocer comes on Tuesdays."
        ),
    ),
    Workplace(
        "data centre",
        _words("database nodes|disk shelves|backup tapes|power units|network switches"),
        _words(
            "taken offline at noon|moved to the second row|updated without a test run|"
            "reused for the new tenant|shut down remotely"
        ),
        {
            "data loss": _words("a verified backup|a rollback plan"),
            "overheating": _words("a spare chiller|a fan check"),
            "outage": _words("a standby site|a change window"),
        },
        _words(
            "The badge printer is out of ribbon.|Rack labels use a new font.|"
            "Visitors sign in at gate B."
        ),
    ),
    Workplace(
        "railway yard",
        _words("tank wagons|flat wagons|brake vans|sleeper bundles|signal lamps"),
        _words(
            "shunted by night|parked on the slope|coupled without a check|"
            "left on track seven|washed near the points"
        ),
        {
            "runaway": _words("a wheel chock|a hand brake check"),
            "derailment": _words("a track inspection|a speed board"),
            "collision": _words("a lookout|a stop signal"),
        },
        _words(
            "The clock on platform one is slow.|A school class visits in May.|"
            "The canteen serves soup today."
        ),
    ),
    Workplace(
        "school lab",
        _words("glass flasks|acid bottles|magnet sets|burner units|plant cultures"),
        _words(
            "used by the youngest class|stored on the top shelf|carried between floors|"
            "left on overnight|rinsed in the sink"
        ),
        {
            "splashes": _words("a pair of goggles|a face shield"),
            "breakage": _words("a padded tray|a low trolley"),
            "confusion": _words("a printed label|a partner check"),
        },
        _words(
            "The skeleton wears a scarf.|Room nine smells of paint.|The bell rings at half past."
        ),
    ),
    Workplace(
        "theatre stage",
        _words("spotlights|painted flats|smoke machines|trapdoor panels|stage weights"),
        _words(
            "hung above the stalls|moved during the scene|run on one circuit|"
            "stored in the wings|handled by volunteers"
        ),
        {
            "falling": _words("a safety chain|a catch net"),
            "tripping": _words("a glow tape line|a cleared path"),
            "overload": _words("a fuse check|a load chart"),
        },
        _words(
            "The tickets are yellow this year.|The pianist prefers a high stool.|"
            "A review praised the costumes."
        ),
    ),
)
