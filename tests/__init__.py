"""Tests of corefeel; packages, so that helpers are imported as tests.…."""
