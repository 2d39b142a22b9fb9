"""Forks under the hand: the heal test, branches, and the tree they make."""
