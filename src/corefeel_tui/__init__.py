"""corefeel: what did quantization change in this model, and may I ship it?"""

__version__ = "0.1.0"
