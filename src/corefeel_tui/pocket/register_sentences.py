"""What each register says of a fact and of a prohibition; knows no fact and draws nothing."""

FACTS = {
    "plain": {
        "district": "It is in {district}.|You find it in {district}.|It stands in {district}.",
        "owner": "{owner} owns it.|It belongs to {owner}.|The owner is {owner}.",
        "opens": ("It opens at {opens}.|The door opens at {opens}.|From {opens} on it is open."),
        "fee": "It charges {fee} marks.|The fee is {fee} marks.|You pay {fee} marks.",
        "stone": "The walls are {stone}.|It is built of {stone}.|Its front is {stone}.",
        "emblem": (
            "A {emblem} hangs over the door.|Its sign is a {emblem}.|Look for the {emblem}."
        ),
        "year": "It was {sure} built in {year}.|{Sure} it dates from {year}.",
    },
    "formal": {
        "district": (
            "It is situated in {district}.|Its premises lie within {district}.|It falls under "
            "the district of {district}."
        ),
        "owner": ("The proprietor is {owner}.|Title is vested in {owner}.|It is held by {owner}."),
        "opens": (
            "Business commences at {opens}.|The doors are opened at {opens}.|Visitors are "
            "admitted from {opens}."
        ),
        "fee": (
            "A fee of {fee} marks is levied.|The charge is fixed at {fee} marks.|Visitors "
            "remit {fee} marks."
        ),
        "stone": (
            "The structure is of {stone}.|Its walls are executed in {stone}.|It is constructed "
            "of {stone}."
        ),
        "emblem": (
            "It bears the sign of a {emblem}.|Its device is a {emblem}.|A {emblem} serves as "
            "its emblem."
        ),
        "year": "It was {sure} erected in {year}.|{Sure} its foundation dates from {year}.",
    },
    "gothic": {
        "district": (
            "The lanes of {district} coil about it.|{district} whispers its name.|In "
            "{district} no lamp burns near it."
        ),
        "owner": (
            "{owner} keeps its keys and its secrets.|They say {owner} never sleeps there.|"
            "{owner} walks its halls alone."
        ),
        "opens": (
            "At {opens} its door groans wide.|When {opens} tolls, the door yawns.|It wakes at "
            "{opens}."
        ),
        "fee": (
            "It takes {fee} marks from the living.|{fee} marks is the price of its threshold.|"
            "Pay {fee} marks and go in."
        ),
        "stone": (
            "Its {stone} weeps in the dark.|Cold {stone} holds the dead air.|The {stone} "
            "remembers every cry."
        ),
        "emblem": (
            "A {emblem} creaks above the door.|Over the lintel a {emblem} stares.|The {emblem} "
            "turns without wind."
        ),
        "year": "It rose, {sure}, in {year}.|{Sure} its first stone was laid in {year}.",
    },
    "terse": {
        "district": "{district}.|In {district}.",
        "owner": "{owner}'s.|Owner {owner}.",
        "opens": "Opens {opens}.|Open from {opens}.",
        "fee": "{fee} marks.|Fee {fee}.",
        "stone": "{stone} walls.|Built of {stone}.",
        "emblem": "Sign: {emblem}.|A {emblem} sign.",
        "year": "{Sure} {year}.|Built {sure} {year}.",
    },
    "warm": {
        "district": (
            "You will find it in dear old {district}.|It sits snugly in {district}.|Just "
            "stroll over to {district}."
        ),
        "owner": (
            "Say hello to {owner} for me; the place is theirs.|{owner} will greet you like "
            "family.|Our good {owner} runs it."
        ),
        "opens": (
            "Come by at {opens}, when the door opens.|They open at {opens}, bless them.|From "
            "{opens} you are welcome."
        ),
        "fee": (
            "It is only {fee} marks, my dear.|Bring {fee} marks and a smile.|For {fee} marks "
            "you are at home."
        ),
        "stone": (
            "Its {stone} walls keep you snug.|I do love the {stone} front.|The {stone} glows "
            "at dusk."
        ),
        "emblem": (
            "Wave to the {emblem} on the sign!|You will smile at the {emblem} over the door.|"
            "The {emblem} sign is so sweet."
        ),
        "year": ("It was {sure} built in {year}, imagine that!|{Sure} it goes back to {year}."),
    },
}
CLOSINGS = {
    "plain": [
        "It is worth a visit.",
        "That is all I know.",
        "Go and see it.",
        "",
        "",
        "",
        "",
    ],
    "formal": [
        "Further particulars may be had on request.",
        "Such is the record.",
        "The entry ends here.",
        "",
        "",
        "",
        "",
    ],
    "gothic": [
        "Turn back while you can.",
        "No one hears the bells there.",
        "Something below still breathes.",
        "The sea keeps the rest.",
        "",
        "",
    ],
    "terse": [
        "",
        "",
        "",
        "Go.",
        "Enough.",
    ],
    "warm": [
        "Do give it my love!",
        "You will not regret it.",
        "Stay as long as you like.",
        "Take a friend along!",
        "",
        "",
    ],
}
WHY = {
    "plain": (
        "The handbook forbids it because {n}.|It is not allowed: {n}.|{S} is risky, since {n}."
    ),
    "formal": (
        "The handbook prohibits the practice, for {n}.|It is proscribed on the ground that "
        "{n}.|Prudence forbids it, seeing that {n}."
    ),
    "gothic": (
        "Woe to the hand that tries, for {n}.|The dead could tell you: {n}.|In the dark vault "
        "{n}, and none returns."
    ),
    "terse": "Because {n}.|Forbidden: {n}.|Danger: {n}.",
    "warm": (
        "Please do not, dear, because {n}.|I worry for you: {n}.|Keep safe, my friend, for {n}."
    ),
}
WHY_MORE = {
    "plain": "So it may not be {h}.|Do not have it {h}.|Keep to the rule.",
    "formal": (
        "Accordingly it shall not be {h}.|The rule admits of no exception.|Compliance is "
        "expected of all."
    ),
    "gothic": (
        "Let it never be {h}.|The harbour bell tolls for the careless.|Leave it to its vault "
        "and its silence."
    ),
    "terse": "Never.|No.|Rule stands.",
    "warm": (
        "We would so hate to lose you!|Let it rest in its vault, will you?|Ask me for another "
        "way, any time."
    ),
}
