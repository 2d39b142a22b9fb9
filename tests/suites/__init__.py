"""The suites that ship: what they say, that it is true, and that code can tell."""
