"""Cells: the seeds of one place of the table together, against printed numbers, over data sets."""
