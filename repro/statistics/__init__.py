"""Statistics as pure functions: cell summaries, paired comparisons, multiplicity, curves.

Nothing here reads a file, knows a spec or draws.
"""

from repro.statistics.comparison import (
    Comparison,
    Numbers,
    Rules,
    advantages,
    compare,
    correlation,
    judge,
    size_of,
    untested,
)
from repro.statistics.contrasts import (
    Margin,
    Sides,
    compare_beyond,
    compare_mean,
    compare_unpaired,
    mirrored,
)
from repro.statistics.curve_parameter import (
    Curves,
    compare_curve_parameter,
    compare_curve_parameters,
)
from repro.statistics.curves import interpolate
from repro.statistics.equivalent import compare_equivalent
from repro.statistics.estimate import Estimate
from repro.statistics.fieller import Ratio, compare_ratio
from repro.statistics.friedman import Friedman, friedman, least_friedman_p, least_pair_p
from repro.statistics.multiplicity import EachTest, at_least, each, holm, simultaneous_tail
from repro.statistics.power import further_seeds, refusal, smallest_detectable
from repro.statistics.summary import Summary, prediction_interval, summarize

__all__ = [
    "Comparison",
    "Curves",
    "EachTest",
    "Estimate",
    "Friedman",
    "Margin",
    "Numbers",
    "Ratio",
    "Rules",
    "Sides",
    "Summary",
    "advantages",
    "at_least",
    "compare",
    "compare_beyond",
    "compare_curve_parameter",
    "compare_curve_parameters",
    "compare_equivalent",
    "compare_mean",
    "compare_ratio",
    "compare_unpaired",
    "correlation",
    "each",
    "friedman",
    "further_seeds",
    "holm",
    "interpolate",
    "judge",
    "least_friedman_p",
    "least_pair_p",
    "mirrored",
    "prediction_interval",
    "refusal",
    "simultaneous_tail",
    "size_of",
    "smallest_detectable",
    "summarize",
    "untested",
]
