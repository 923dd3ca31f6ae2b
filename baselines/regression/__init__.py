"""Baselines of the regression task."""
