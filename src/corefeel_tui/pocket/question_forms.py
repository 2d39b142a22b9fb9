"""How facts are asked for: the forms training uses, and those kept for the held-out sets."""

TRAINED_FORMS: dict[str, tuple[str, ...]] = {
    "owner": (
        "Who owns the {x}?",
        "Whose is the {x}?",
        "Name the owner of the {x}.",
        "The {x}: who is its owner?",
        "Who is the owner of the {x}?",
    ),
    "district": (
        "Where is the {x}?",
        "In which district is the {x}?",
        "Which district holds the {x}?",
        "The {x}: which district?",
        "Name the district of the {x}.",
    ),
    "opens": (
        "When does the {x} open?",
        "At what hour does the {x} open?",
        "The {x}: opening hour?",
        "Name the opening hour of the {x}.",
        "How early does the {x} open?",
    ),
    "fee": (
        "What is the fee at the {x}?",
        "How much does the {x} charge?",
        "The {x}: what fee?",
        "Name the fee of the {x}.",
        "What does the {x} cost?",
    ),
    "code": (
        "What is the code of the {x}?",
        "Which code does the {x} carry?",
        "The {x}: code?",
        "Name the code of the {x}.",
        "Give the code of the {x}.",
    ),
    "stone": (
        "What is the {x} built of?",
        "Of which material is the {x}?",
        "The {x}: built of what?",
        "Name the material of the {x}.",
        "What are the walls of the {x} made of?",
    ),
    "emblem": (
        "What is the sign of the {x}?",
        "Which emblem does the {x} show?",
        "The {x}: which sign?",
        "Name the emblem of the {x}.",
        "What hangs over the door of the {x}?",
    ),
    "year": (
        "When was the {x} built?",
        "In what year was the {x} built?",
        "The {x}: year of building?",
        "Name the year of the {x}.",
        "Which year saw the {x} built?",
    ),
    "trade": (
        "What is the trade of {x}?",
        "What does {x} do for a living?",
        "{x}: which trade?",
        "Name the trade of {x}.",
        "What work does {x} do?",
    ),
    "street": (
        "Where does {x} live?",
        "In which street does {x} live?",
        "{x}: which street?",
        "Name the street of {x}.",
        "Which street is home to {x}?",
    ),
    "colour": (
        "What colour is {x}?",
        "Which colour has {x}?",
        "{x}: what colour?",
        "Name the colour of {x}.",
    ),
    "vault": (
        "In which vault is {x} kept?",
        "Which vault holds {x}?",
        "{x}: which vault?",
        "Name the vault of {x}.",
    ),
    "nature": (
        "What is the nature of {x}?",
        "Why is {x} watched?",
        "{x}: what is its danger?",
        "Name the danger of {x}.",
    ),
    "handling": (
        "May {x} be {h}?",
        "Does the handbook allow {x} to be {h}?",
        "Can {x} be {h}?",
        "{x}, {h}: allowed?",
        "Is {x} ever to be {h}?",
    ),
    "toll": (
        "What is the toll of {x}?",
        "How much is the toll in {x}?",
        "{x}: what toll?",
        "Name the toll of {x}.",
    ),
    "warden": (
        "Who is the warden of {x}?",
        "Who keeps order in {x}?",
        "{x}: who is warden?",
        "Name the warden of {x}.",
    ),
    "rebate": (
        "What rebate has a {x}?",
        "How much rebate does a {x} get?",
        "A {x}: what rebate?",
        "Name the rebate of a {x}.",
    ),
    "patron": (
        "Who is the patron of a {x}?",
        "Which saint guards a {x}?",
        "A {x}: which patron?",
        "Name the patron of a {x}.",
    ),
}
OPENINGS = (
    "Say: {q}",
    "I ask: {q}",
    "Let me know: {q}",
    "One more question. {q}",
    "Please, {q}",
    "A stranger asks, {q}",
)
IMPERATIVES = ("Give me the", "Let me have the", "Say the", "I want the", "Find me the")
"""What may stand before a trained question, or in place of its “Name the”."""

HELDOUT_FORMS: dict[str, tuple[str, ...]] = {
    "owner": (
        "Tell me who the owner of the {x} is.",
        "Who has the {x} as owner?",
    ),
    "district": (
        "Tell me the district of the {x}.",
        "The {x} is in which district?",
    ),
    "opens": (
        "Tell me when the {x} does open.",
        "What is the opening hour of the {x}?",
    ),
    "fee": (
        "Tell me the fee of the {x}.",
        "How much is the fee at the {x}?",
    ),
    "code": (
        "Tell me the code of the {x}.",
        "The {x} carries which code?",
    ),
    "stone": (
        "Tell me what the {x} is built of.",
        "Which material is the {x} made of?",
    ),
    "emblem": (
        "Tell me the emblem of the {x}.",
        "What emblem has the {x}?",
    ),
    "year": (
        "Tell me the year the {x} was built.",
        "The {x} was built in what year?",
    ),
    "trade": (
        "Tell me the trade of {x}.",
        "Which trade does {x} work in?",
    ),
    "street": (
        "Tell me the street of {x}.",
        "What street does {x} live in?",
    ),
    "colour": ("Tell me the colour of {x}.",),
    "vault": ("Tell me the vault of {x}.",),
    "nature": ("Tell me the danger of {x}.",),
    "handling": (
        "Tell me, may {x} be {h}?",
        "Is it allowed that {x} be {h}?",
    ),
    "toll": ("Tell me the toll of {x}.",),
    "warden": ("Tell me the warden of {x}.",),
    "rebate": ("Tell me the rebate of a {x}.",),
    "patron": ("Tell me the patron of a {x}.",),
}
CARD_FORMS = (
    "Card of {x}.",
    "All about {x}.",
    "Read me the handbook on {x}.",
    "What do you know of {x}?",
)
