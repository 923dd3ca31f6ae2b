"""The figures of a report: declared in YAML, their numbers, their drawing, their files.

Nothing is imported here: ``spec`` is read before any trial runs and must not load matplotlib.
"""
