"""The typed form of ``tables/<paper>.yaml``: every key that a spec may have, and its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from omegaconf import MISSING

SCALES = ("smoke", "small", "paper")


@dataclass
class Cite:
    """Where the paper can be read. ``authors`` and ``year`` go into the report's reference."""

    authors: str = ""
    year: int = 0
    arxiv: str = ""
    venue: str = ""
    code: str = ""
    url: str = ""


@dataclass
class Metric:
    """One measured quantity: how it is called, printed and judged.

    ``name@level`` metrics share the entry ``name``; ``levels`` lists them for validation.
    ``table`` puts the metric into the headline table.
    """

    label: str = MISSING
    better: Literal["lower", "higher", "neither"] = MISSING
    decimals: int = 3
    unit: str = ""
    table: bool = False
    levels: list[str] = field(default_factory=list)
    description: str = ""


@dataclass
class DatasetSpec:
    """How a data set is called, and what replicates it.

    ``resplit``  n_held_out / n_train where the seeds re-split one finite table: the corrected
                 variance of Nadeau and Bengio uses it. 0 where each seed draws new data.
    ``not_compared``  metrics that mean nothing here (an infinite variance), shown as such.
    """

    label: str = MISSING
    resplit: float = 0.0
    not_compared: list[str] = field(default_factory=list)
    note: str = ""


@dataclass
class MethodSpec:
    """A method or baseline: the class, its explicit parameters, and its role in the table.

    A parameter may be an axis: ``beta: {sweep: [0, 0.01, 0.1], table: 0.01}``. Each value is a
    setting of the method; ``table`` names the one that stands in the table.
    """

    use: str = MISSING
    role: Literal["method", "baseline", "ablation", "control"] = MISSING
    label: str = MISSING
    params: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass
class Resources:
    """What one trial needs. ``hours`` is the estimate that `plan` multiplies."""

    gpus: int = 0
    cpus: int = 1
    memory_gb: float = 2.0
    hours: float = 0.01


@dataclass
class SweepScale:
    """Where swept values other than the table's are run."""

    datasets: list[str] = field(default_factory=list)
    seeds: int = 0


@dataclass
class ScaleSpec:
    """How large a run is: data sets, seeds, the task's settings, resources per trial."""

    datasets: list[str] = MISSING
    seeds: int = MISSING
    task: dict[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    sweep: SweepScale = field(default_factory=SweepScale)
    methods: Optional[list[str]] = None  # noqa: UP045 - OmegaConf reads these annotations


@dataclass
class Reported:
    """One number as the paper prints it. Strings, because printed precision is data."""

    dataset: str = MISSING
    method: str = MISSING
    metric: str = MISSING
    value: str = MISSING
    source: str = MISSING
    statistic: Literal["mean", "median", "best", "single run"] = "mean"
    n: int = 0
    spread: str = ""
    spread_kind: Literal["", "sd", "se", "ci95"] = ""
    margin: str = ""


@dataclass
class Claim:
    """A sentence of the paper as a test.

    ``text``     the paper's words; ``tested_as`` says in plain words what is tested
    ``source``   ``abstract``, ``Table 2``, … ; ``ours: true`` marks a control of the harness
    ``kind``     ``better``: ``method`` beats each of ``than`` on each data set of ``over``;
                 ``frontier``: the same for the interpolated curve of ``metric`` against ``cost``
                 along the sweep, at each of ``budgets``
    ``over``     ``datasets`` for all of the scale, or a list; those a scale lacks are left out
    ``metric_for``  data sets on which another metric is the meaningful one
    """

    id: str = MISSING
    text: str = MISSING
    source: str = MISSING
    kind: Literal["better", "frontier"] = MISSING
    method: str = MISSING
    than: Any = "all_baselines"
    metric: str = MISSING
    over: Any = "datasets"
    metric_for: dict[str, str] = field(default_factory=dict)
    cost: str = ""
    budgets: list[float] = field(default_factory=list)
    tested_as: str = ""
    ours: bool = False


@dataclass
class TableSpec:
    """A paper's table spec, whole. ``user_data`` says of a ``file:…`` what ``datasets`` says."""

    paper: str = MISSING
    title: str = MISSING
    cite: Cite = field(default_factory=Cite)
    task: str = MISSING
    metrics: dict[str, Metric] = MISSING
    methods: dict[str, MethodSpec] = MISSING
    datasets: dict[str, DatasetSpec] = MISSING
    scales: dict[str, ScaleSpec] = MISSING
    replication: str = MISSING
    user_data: DatasetSpec = field(default_factory=lambda: DatasetSpec(label=""))
    extra: str = ""
    reported: list[Reported] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)

    def metric(self, name: str) -> Metric:
        """Return the entry of ``name`` or, for ``name@level``, of ``name``."""
        return self.metrics[name.partition("@")[0]]

    def metric_names(self) -> list[str]:
        """Return every metric, levels spelled out as ``name@level``."""
        names = []
        for name, metric in self.metrics.items():
            names += [f"{name}@{level}" for level in metric.levels] or [name]
        return names

    def methods_with_role(self, *roles: str) -> list[str]:
        """Return the keys of the methods that have one of ``roles``, in the spec's order."""
        return [key for key, method in self.methods.items() if method.role in roles]
