"""What a screen or a command line asks of the engine: frozen commands, one JSON object a line.

Knows the wire format and nothing about how a command is carried out.
"""

from .edge import Ladder, Meter, Scan, Search
from .heal import Heal
from .life import Cancel, Examine, Load, Pause, Plan, Shutdown
from .wire import REGISTRY, Command, decode, encode
from .work import Ask, Evaluate, Score

__all__ = [
    "REGISTRY",
    "Ask",
    "Cancel",
    "Command",
    "Evaluate",
    "Examine",
    "Heal",
    "Ladder",
    "Load",
    "Meter",
    "Pause",
    "Plan",
    "Scan",
    "Score",
    "Search",
    "Shutdown",
    "decode",
    "encode",
]
