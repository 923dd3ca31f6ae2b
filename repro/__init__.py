"""The harness: plans, runs, stores and reports trials. Knows no paper and imports nothing heavy."""

__version__ = "0.1.0"
