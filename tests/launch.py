"""`corefeel` with the stand-in engine in the engine's place: `launch.py PAUSE WORDS…`."""

from __future__ import annotations

import sys
from pathlib import Path

from corefeel_tui import cli, client

if __name__ == "__main__":
    client.SERVE = (sys.executable, str(Path(__file__).with_name("standin.py")), sys.argv[1])
    sys.exit(cli.run(sys.argv[2:]))
