"""The vocabulary between engine, session file and screen: frozen events, one JSON object a line.

Knows the wire format and nothing about who sends, stores or shows it.
"""

from .comparison import (
    Failed,
    Fork,
    ItemFinished,
    Pieces,
    Started,
    Thought,
    Tokens,
    TrajectoryFinished,
    Verdict,
)
from .edge import (
    EdgeFound,
    EdgeSearched,
    EdgeStarted,
    Margins,
    Ranked,
    RungMargin,
    Tried,
    WordMargin,
)
from .heal import Healed
from .library import Downloaded, Downloading, DownloadPlanned, LibraryListed
from .life import (
    EngineDied,
    EngineStarted,
    Examined,
    Loaded,
    Loading,
    Notice,
    PlannedSet,
    Status,
    Timed,
)
from .session import SessionFinished, SessionHeader
from .wire import JSON, REGISTRY, Event, Unknown, decode, encode, from_dict, to_dict
from .work import Planned, Progress, Scored, VariantStopped

__all__ = [
    "JSON",
    "REGISTRY",
    "DownloadPlanned",
    "Downloaded",
    "Downloading",
    "EdgeFound",
    "EdgeSearched",
    "EdgeStarted",
    "EngineDied",
    "EngineStarted",
    "Event",
    "Examined",
    "Failed",
    "Fork",
    "Healed",
    "ItemFinished",
    "LibraryListed",
    "Loaded",
    "Loading",
    "Margins",
    "Notice",
    "Pieces",
    "Planned",
    "PlannedSet",
    "Progress",
    "Ranked",
    "RungMargin",
    "Scored",
    "SessionFinished",
    "SessionHeader",
    "Started",
    "Status",
    "Thought",
    "Timed",
    "Tokens",
    "TrajectoryFinished",
    "Tried",
    "Unknown",
    "VariantStopped",
    "Verdict",
    "WordMargin",
    "decode",
    "encode",
    "from_dict",
    "to_dict",
]
