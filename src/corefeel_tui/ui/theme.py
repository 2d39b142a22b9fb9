"""Two calm themes and the KL ramp.  Colour carries drift and alarm; everything else stays grey.

The ramp is one warm hue that parts from the ground step by step, also in 256 colours, where each
step but one falls on a colour of its own.
"""

from __future__ import annotations

from textual.theme import Theme

DARK_RAMP = ("#2a2521", "#3a312b", "#4d3622", "#76451e", "#9c4f1f", "#c55a22", "#f0682f")
LIGHT_RAMP = ("#f8f0dc", "#f8e6c4", "#f7d7a5", "#f6c585", "#f4ac66", "#ee8b4c", "#e2683f")

DARK = Theme(
    name="corefeel-dark",
    dark=True,
    primary="#7aa7d9",
    secondary="#56697f",
    accent="#7cc4d4",
    foreground="#d3d7dd",
    background="#111418",
    surface="#161a1f",
    panel="#1d2229",
    success="#8fbf8f",
    warning="#e0b060",
    error="#f0655d",
    variables={
        "quiet": "#7f8995",
        "faint": "#49525d",
        "rule": "#2c333c",
        "scrollbar": "#49525d",
        "scrollbar-hover": "#7f8995",
        "scrollbar-active": "#7cc4d4",
        "scrollbar-background": "#161a1f",
        "scrollbar-background-hover": "#161a1f",
        "scrollbar-background-active": "#161a1f",
        "scrollbar-corner-color": "#161a1f",
        "alarm-ground": "#f0655d",
        "alarm-text": "#14080a",
        "block-cursor-background": "#7cc4d4",
        "block-cursor-foreground": "#0d1115",
        "block-cursor-text-style": "bold",
        "input-cursor-background": "#7cc4d4",
        "input-selection-background": "#7cc4d4 30%",
        "footer-key-foreground": "#7cc4d4",
        **{f"kl-{level}": colour for level, colour in enumerate(DARK_RAMP, 1)},
    },
)

LIGHT = Theme(
    name="corefeel-light",
    dark=False,
    primary="#2f6ca8",
    secondary="#8a99a8",
    accent="#0f7285",
    foreground="#23282e",
    background="#fbfaf6",
    surface="#f5f3ed",
    panel="#ebe8e0",
    success="#3c7a3c",
    warning="#97650a",
    error="#c22f28",
    variables={
        "quiet": "#6d747c",
        "faint": "#aaaaa4",
        "rule": "#d8d4c9",
        "scrollbar": "#b5b5ae",
        "scrollbar-hover": "#6d747c",
        "scrollbar-active": "#0f7285",
        "scrollbar-background": "#f5f3ed",
        "scrollbar-background-hover": "#f5f3ed",
        "scrollbar-background-active": "#f5f3ed",
        "scrollbar-corner-color": "#f5f3ed",
        "alarm-ground": "#c22f28",
        "alarm-text": "#ffffff",
        "block-cursor-background": "#0f7285",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "input-cursor-background": "#0f7285",
        "input-selection-background": "#0f7285 25%",
        "footer-key-foreground": "#0f7285",
        **{f"kl-{level}": colour for level, colour in enumerate(LIGHT_RAMP, 1)},
    },
)


def defaults(dark: bool) -> dict[str, str]:
    """Our own variables, for themes that are not ours."""
    return (DARK if dark else LIGHT).variables
