"""The process entry of `corefeel` and `python -m corefeel_tui`."""

from __future__ import annotations

from corefeel_tui.cli import main

if __name__ == "__main__":
    main()
