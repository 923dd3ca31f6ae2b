"""Losses that are computed row by row: definitions, and the implementations that compute them."""
