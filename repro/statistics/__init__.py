"""Statistics as pure functions: cell summaries, paired comparisons, multiplicity, curves.

Nothing here reads a file, knows a spec or draws.
"""

from repro.statistics.comparison import Comparison, compare
from repro.statistics.curves import interpolate
from repro.statistics.multiplicity import EachTest, each, holm, simultaneous_tail
from repro.statistics.summary import Summary, summarize

__all__ = [
    "Comparison",
    "EachTest",
    "Summary",
    "compare",
    "each",
    "holm",
    "interpolate",
    "simultaneous_tail",
    "summarize",
]
