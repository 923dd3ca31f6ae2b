"""Baselines of the few-shot segmentation task."""
