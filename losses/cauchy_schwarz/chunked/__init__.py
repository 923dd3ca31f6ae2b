"""The same functions tile by tile: bounded memory, and gradients written out by hand."""

from losses.cauchy_schwarz.chunked.conditional import conditional_divergence
from losses.cauchy_schwarz.chunked.information import mutual_information
from losses.cauchy_schwarz.chunked.marginal import divergence

__all__ = ["conditional_divergence", "divergence", "mutual_information"]
