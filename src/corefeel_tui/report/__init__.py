"""What came of a comparison, told: records and results in, text or objects out.

Knows folded records and results; measures nothing and reads no file.
"""
