"""The verb `fit`: a scaling law through the points of a file."""
