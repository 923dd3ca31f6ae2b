"""The typed form of one claim in a table spec: a sentence of the paper as a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from omegaconf import MISSING


@dataclass
class Claim:
    """A sentence of the paper as a test.

    ``text``     the paper's words; ``tested_as`` says in plain words what is tested
    ``source``   ``abstract``, ``Table 2``, … ; ``ours: true`` marks a control of the harness
    ``over``     ``datasets`` for all of the scale, or a list; those a scale lacks are left out
    ``metric_for``  data sets on which another metric is the meaningful one
    ``than``     the rival or rivals, or ``all_baselines``
    ``on``       ``each`` data set, the ``mean`` over them (of a commensurable metric, or with
                 ``compare: log_ratio``), or ``{at_least: k}`` of them
    ``margin``   an amount in the metric's unit (``0.01``) or a share of the rival's value (``5%``)

    ``kind`` says what is tested, on each data set against each rival:

    - ``better``: ``method`` is better by more than ``margin`` (0 without one); ``compare:
      log_ratio`` compares logarithms, so that unlike units can be averaged
    - ``ratio``: the method's value over the rival's is ``at_least`` or ``at_most`` a number
    - ``gap_closed``: of the gap between the rival and ``reference``, the method closes the share
      ``at_least``
    - ``monotone``: along the axis ``along`` the metric (the advantage over ``than`` where it is
      given) ``rises`` or ``falls``: from each value to the next, or by its ``trend``
    - ``crossing``: along the axis, the method is worse at the first value of ``between`` and better
      at the second, in the order given (the axis' lower and upper end without ``between``)
    - ``fit``: the ``parameter`` of the curve ``form`` fitted to the metric along the axis lies
      within ``at_least`` and ``at_most``
    - ``alike``: that parameter differs between any two data sets by less than ``margin``
    - ``frontier``: better at matched cost: the interpolated curve of ``metric`` against ``cost``
      along the sweep, at each of ``budgets``: a list of costs, or ``{in_overlap: k}`` for k evenly
      spaced ones within what both curves reach
    - ``equivalent``: the two differ by less than ``margin``

    ``along`` names a swept parameter, or is ``level`` for a metric with levels. ``test`` asks for
    a test other than the kind's own.
    """

    id: str = MISSING
    text: str = MISSING
    source: str = MISSING
    kind: Literal[
        "better",
        "ratio",
        "gap_closed",
        "monotone",
        "crossing",
        "fit",
        "alike",
        "frontier",
        "equivalent",
    ] = MISSING
    method: str = MISSING
    than: Any = ""
    metric: str = MISSING
    over: Any = "datasets"
    on: Any = "each"
    margin: str = ""
    compare: Literal["difference", "log_ratio"] = "difference"
    metric_for: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    at_least: Optional[float] = None  # noqa: UP045
    at_most: Optional[float] = None  # noqa: UP045
    along: str = ""
    direction: Literal["", "rises", "falls"] = ""
    steps: Literal["each", "trend"] = "each"
    between: list[float] = field(default_factory=list)
    form: str = ""
    parameter: str = ""
    cost: str = ""
    budgets: Any = ""
    test: Literal["", "permutation", "sign", "wilcoxon", "welch"] = ""
    tested_as: str = ""
    ours: bool = False
