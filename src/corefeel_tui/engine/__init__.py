"""The engine: the only part of corefeel that imports mlx."""
