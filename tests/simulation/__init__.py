"""Simulation of every error rate that the statistics promise, and the page that shows them."""
