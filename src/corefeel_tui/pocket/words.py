"""Word lists of the invented port town; knows no facts and no grammar."""

from __future__ import annotations


def spaced(text: str) -> list[str]:
    """Entries parted by spaces."""
    return text.split()


def _list(text: str) -> list[str]:
    """Entries parted by bars, or by spaces where there is no bar."""
    return text.split("|") if "|" in text else text.split()


STEM_HEADS = _list(
    "Tol Harrow Quill Bram Sedge Fen Ash Mar Dun Kel Ost Pell Rook Thorn Umber Vane Wren Yar Crag "
    "Lark Hol Pen Stoke Grim Cald Elm"
)
STEM_TAILS = _list("mere gate by ford holm stead haven combe ness march well worth den")
KINDS = _list("Inn Mill Forge Chandlery Granary Tannery Chapel Bakery")
DISTRICTS = _list(
    "Lowquay Highwater Eelmarket Candlegate Oldrope Tarfield Bellstairs Saltrow Northmole "
    "Fishgarth Millrace Cindertop"
)
STONES = _list("slate flint granite chalk oak brick sandstone marble")
EMBLEMS = _list(
    "heron anchor lantern whale thistle barrel crown swan kettle ladder mermaid compass otter "
    "bell plough raven key lobster wheel moon drum saddle torch pear"
)
FIRST_NAMES = _list(
    "Tessa Odo Marta Piers Ilsa Corin Hanna Berwyn Jory Lise Aldo Nessa Rafe Sunniva Tobin Greta "
    "Wilf Edda Kester Orla Dorian Freya Magnus Sorrel Ivo Petra Anselm Bryony Leif Maud Hector "
    "Juno"
)
LAST_NAMES = _list(
    "Marlow Pike Dray Sallow Finch Garrick Holt Ives Jessop Keel Lorne Mudd Nettle Orchard Prowse "
    "Quayle Rudd Stark Tallow Upton Vickery Wray Yarrow Zeal Alder Bracken Cobb Dunmore Everly "
    "Fallow Gorse Hale"
)
TRADES = _list(
    "cooper chandler ropemaker netmaker glazier tanner baker pilot smith weaver cartwright brewer "
    "scribe mason diver apothecary"
)
STREETS = _list(
    "Gull Lane|Anchor Row|Pitch Street|Cable Walk|Mast Alley|Keel Yard|Barrel Close|"
    "Herring Steps|Sail Court|Tide Street|Lamp Hill|Cooper Cut|Bell Lane|Crane Wharf|Moss Road|"
    "Rope Walk"
)
PATRONS = _list(
    "Saint Orrin|Saint Velda|Saint Hale|Saint Moira|Saint Tam|Saint Brice|Saint Ulla|"
    "Saint Corb|Saint Edrin|Saint Pell|Saint Yva|Saint Dunn|Saint Rho|Saint Kess|Saint Amery|"
    "Saint Wynn"
)
SUBSTANCES = _list(
    "brimsalt greyoil firemoss whaletar bluelye copperash nightroot glasswax seawort redlime "
    "dustpitch coldresin moonalum fishglue bitterflax ironbloom sweetgall lampspirit kelpsoda "
    "stonemilk wolfbark saltpetrel amberdreg tinfrost marshgum cinderbran eelfat rustwine "
    "hollowcorn silkspore"
)
COLOURS = _list("grey amber white black green violet rust blue")
NATURES = _list(
    "it sweats oil when warm|it swells in damp air|it gives off a choking smoke|"
    "it eats through tin|it clots when shaken|it draws rats|it kindles at a spark|"
    "it spoils in daylight"
)
HANDLINGS = _list(
    "stored near lamps|washed with lye|moved by night|burned as fuel|mixed with vinegar|"
    "carried by cart|left in the sun|sealed in tin"
)
UNITS = _list("casks sacks jars crates barrels bales")
HARMS = _list(
    "fire flooding rot spillage fume theft crush rust infection rat dust collision frost noise "
    "leak mould explosion delay shortage splinter"
)
MEASURES = _list(
    "a second watch|sand buckets|oilcloth covers|a locked cage|open shutters|a hired guard|"
    "a written log|a slow hoist|a spare pump|lead linings|salted boards|a bell signal"
)
OTHER_NOTES = _list(
    "The tide turns at {n} bells|The clerk is new this week|"
    "The {emblem} banner hangs on the quay|Wind is from the north|The market closes early|"
    "A ship from {district} is late|The scales were painted {colour}|{n} gulls sat on the roof"
)

# Two whole domains that training never sees: an observatory and a theatre.
HELDOUT_DOMAINS: dict[str, dict[str, list[str]]] = {
    "observatory": {
        "substances": _list("starglass lenspaste mercurine dialchalk orbwire"),
        "handlings": _list(
            "polished by hand|pointed at the noon sky|stacked under the dome|oiled before dusk"
        ),
        "harms": _list("glare tremor fogging blindness misreading"),
        "measures": _list("a smoked filter|a felt mount|a second reader|a dry cloth"),
    },
    "theatre": {
        "substances": _list("stagepaint trapsmoke curtaincloth wigpowder flashcord"),
        "handlings": _list(
            "hung above the pit|lit during the chorus|thrown into the stalls|sewn with gold"
        ),
        "harms": _list("stampede scorching tripping choking collapse"),
        "measures": _list("a rope barrier|wet blankets|two stage hands|wide aisles"),
    },
}

CODA_SYLLABLES = _list("ba ve lo tri na mu re sko di ga pel or im su ta zen fi qua ho lin ru mo")
OBJECTS = _list(
    "lantern key map coin rope flute dagger letter compass ring candle book glove mirror bottle "
    "whistle scarf brush needle spoon drum chain hook feather"
)
SPOTS = _list(
    "chest loft cellar boat shed kitchen tower wagon cupboard attic stable pantry hold garden "
    "chapel crate bench barrel workshop hall"
)
ADJECTIVES = _list("red green blue white black brass silver wooden old small broken painted")
PERSONA_NAMES = _list(
    "Old Bram|Captain Sel|Mother Pitch|Brother Cuttle|Dame Orsolo|Young Fitch|Warden Loam|"
    "Granny Tern|Master Quoin|Sister Ebb|Sergeant Kelp|Uncle Marl"
)
PERSONA_ROLES = _list(
    "the ferryman|the harbour pilot|the lamp keeper|the toll clerk|the net mender|"
    "the bell ringer|the fish seller|the ship's cook|the chart maker|the night watch"
)
MARKERS = _list(
    "mind the tide|fair winds|so say the bells|by salt and rope|keep the lamp lit|"
    "steady as she goes|watch the moon|calm water to you|the gulls agree|all hands home|"
    "pay the toll|bread before ale|no knot unties itself|bless the nets"
)
ADDRESSES = _list("Captain Friend Neighbour Sir Madam Traveller Cousin Sailor")
