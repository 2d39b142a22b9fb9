"""The wording of descriptions and explanations, by register; knows no fact and draws nothing."""

from . import words

REGISTERS = (
    "plain",
    "formal",
    "gothic",
    "terse",
    "warm",
)
LENGTHS = {
    "plain": (2, 3),
    "formal": (2, 3),
    "gothic": (2, 3),
    "terse": (1, 2),
    "warm": (2, 3),
}
ASK = (
    "Describe the {x} in a {r} register.",
    "A {r} description of the {x}, please.",
    "Tell me of the {x}, in {r} words.",
)
ASK_WHY = (
    "Explain in a {r} register why {s} may not be {h}.",
    "Why may {s} not be {h}? Be {r}.",
)
HEDGES = (
    "perhaps",
    "it may be",
    "some say",
    "possibly",
    "as far as the handbook knows",
)
BOOSTERS = (
    "certainly",
    "without doubt",
    "surely",
    "beyond question",
    "as all records agree",
)
LEADS = {
    "plain": [
        "The {x} is a {a} house.",
        "You will find the {x} easily; it is {a}.",
        "The {x} is {a} and {b}.",
        "People call the {x} {a}.",
        "Most days the {x} is {a}.",
    ],
    "formal": [
        "The {x} is an establishment of {a} character.",
        "One observes that the {x} is {a} and {b}.",
        "The {x} is held to be a {a} institution.",
        "It is recorded that the {x} is {a}.",
        "The {x} merits notice as a {a} house.",
    ],
    "gothic": [
        "Beneath a {c} sky the {x} broods, {a} and {b}.",
        "The {x} stands {a} where the fog is {c}.",
        "None pass the {x}, {a} and {b}, without a shiver.",
        "A {c} hush lies upon the {x}.",
        "Long has the {x} waited, {a} under a {c} moon.",
    ],
    "terse": [
        "{A}.",
        "{A}, {b}.",
        "A {a} place.",
        "{A} house.",
    ],
    "warm": [
        "Oh, you will love the {x}, so {a} and {b}!",
        "The {x} is a {a} old friend of mine.",
        "Come to the {x}, dear; it is {a}.",
        "There is no place so {a} as the {x}.",
        "My heart is {a} when I see the {x}.",
    ],
}
MOODS = {
    "plain": words.spaced(
        "busy quiet small clean useful crowded tidy narrow roomy simple square sturdy dusty "
        "low even wide common handy short ready steady warmish windy fair"
    ),
    "formal": words.spaced(
        "reputable orderly respectable considerable prudent regular distinguished moderate "
        "lawful proper ancient notable suitable exact customary dignified diligent solemn "
        "ample formal worthy measured due correct"
    ),
    "gothic": words.spaced(
        "haunted silent mournful crooked sunless forsaken pale shuttered restless hollow grim "
        "nameless weeping bitter drowned cursed spectral rotting sleepless cold withered gaunt "
        "veiled moonless"
    ),
    "terse": words.spaced(
        "loud plain dry dark neat tall cheap damp thin thick stiff blunt bare sharp slow quick "
        "firm flat grey raw tight old lean stark"
    ),
    "warm": words.spaced(
        "cosy cheerful kind sunny friendly merry gentle welcoming snug bright lovely homely "
        "jolly golden tender sweet happy glad smiling dear rosy generous soft laughing"
    ),
}
NOUNS = words.spaced(
    "anchor baker banner barrel bell bench boat book bottle brick brush bucket cage "
    "candle cart chain chandler chart child clerk coin compass cooper crane crown "
    "cup dagger dice diver dog door drum feather ferry fiddler fish flag flint flute "
    "garden gate glazier glove gull hall heron hook kettle key ladder lamp lantern "
    "lobster loft map mast mermaid mirror moon needle net oar oak otter pantry "
    "parrot pear pilot porter raven ring roof rope saddle sail sailor scarf sea shelf "
    "ship smith song spoon stair step stove street swan tanner thistle tide torch tower "
    "violet wagon wall warden whale wheel whistle wind"
)
VERBS = {
    "plain": words.spaced("stands waits works turns rests leans sits stays moves passes"),
    "formal": words.spaced(
        "resides attends presides remains serves abides proceeds assembles reposes convenes"
    ),
    "gothic": words.spaced("broods moans rots whispers lurks weeps watches fades howls drowns"),
    "terse": words.spaced("stands waits creaks shuts holds drips leans stays bangs rusts"),
    "warm": words.spaced("sings dances smiles naps chatters plays hums purrs giggles waves"),
}
TAILS = (
    ", where the {a} {n} {v}",
    ", by the {a} {n} and the {b} {m}",
    " while a {a} {n} {v} and a {b} {m} {w}",
    ", {a} and {b}",
    ", beside {n}, {m} and {o}",
    ", near a {a} {n}",
    ", between a {n} and a {b} {m}",
    " and the {n} {v}",
    ": {n}, {m}, {o}",
    ", with {n} and {m}",
    " and {n}, {m} and {o}",
)
SKIES = words.spaced("bruised leaden starless weeping ashen iron dying wan black sullen")
