"""The screens: the only part of corefeel that imports textual."""
