"""Margins of prompts that differ a little: what has been read of one is not read again."""
