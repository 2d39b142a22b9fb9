"""The Edge screen: margins while somebody types, words, ladders and searches, live or stored."""

PREFIX = "edge-"
"""How the runs asked for here begin; their failures are told in the screen, not as a toast."""
