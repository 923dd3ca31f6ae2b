"""The typed form of ``tables/<paper>.yaml``: every key that a spec may have, and its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from omegaconf import MISSING

from repro.spec.claim_entry import Claim

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
    ``table`` puts the metric into the headline table. ``commensurable`` says that its values mean
    the same on every data set (a share, an accuracy), so that they can be averaged as they are; a
    mean over data sets of any other needs log ratios.
    """

    label: str = MISSING
    better: Literal["lower", "higher", "neither"] = MISSING
    decimals: int = 3
    unit: str = ""
    table: bool = False
    commensurable: bool = False
    levels: list[str] = field(default_factory=list)
    description: str = ""


@dataclass
class DatasetSpec:
    """How a data set is called, and what replicates it.

    ``resplit``  n_held_out / n_train where the seeds re-split one finite table: the corrected
                 variance of Nadeau and Bengio uses it. 0 where each seed draws new data.
    ``shared``   what all seeds have in common of it and none replicates, in words, such as "the
                 published split": verdicts are conditional on it.
    ``not_compared``  metrics that mean nothing here (an infinite variance), shown as such.
    """

    label: str = MISSING
    resplit: float = 0.0
    shared: str = ""
    not_compared: list[str] = field(default_factory=list)
    note: str = ""

    def compares(self, metric: str) -> bool:
        """Say whether ``metric``, or ``name`` of ``name@level``, means something here."""
        return {metric, metric.partition("@")[0]}.isdisjoint(self.not_compared)


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
class MethodResources:
    """What a trial of one method needs, where that differs from the scale's."""

    gpus: Optional[int] = None  # noqa: UP045 - OmegaConf reads these annotations
    cpus: Optional[int] = None  # noqa: UP045
    memory_gb: Optional[float] = None  # noqa: UP045


@dataclass
class Resources:
    """What one trial needs. ``hours`` is the estimate that `plan` multiplies.

    ``methods``  by method, what differs for its trials
    """

    gpus: int = 0
    cpus: int = 1
    memory_gb: float = 2.0
    hours: float = 0.01
    methods: dict[str, MethodResources] = field(default_factory=dict)


@dataclass
class SweepScale:
    """Where swept values other than the table's are run."""

    datasets: list[str] = field(default_factory=list)
    seeds: int = 0


@dataclass
class TuningScale:
    """What tuning does differently at a scale: budget, seeds, settings of the task, ranges.

    ``space``  parameter → its axis, in place of that of every method that tunes it
    """

    budget: Optional[int] = None  # noqa: UP045
    seeds: Optional[list[int]] = None  # noqa: UP045
    task: dict[str, Any] = field(default_factory=dict)
    space: dict[str, Any] = field(default_factory=dict)


@dataclass
class ScaleSpec:
    """How large a run is: data sets, seeds, the task's settings, resources per trial.

    ``settle``  the most seeds that a second stage may add (``SETTLE=1``)
    """

    datasets: list[str] = MISSING
    seeds: int = MISSING
    task: dict[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    sweep: SweepScale = field(default_factory=SweepScale)
    tuning: TuningScale = field(default_factory=TuningScale)
    settle: int = 20
    methods: Optional[list[str]] = None  # noqa: UP045 - OmegaConf reads these annotations


@dataclass
class Reported:
    """One number as the paper prints it. Strings, because printed precision is data.

    ``statistic``  what the number is of the paper's ``n`` runs; ours is made the same
    ``spread``     as printed; ``spread_kind`` says whether it is a standard deviation, a standard
                   error or half of a 95 % interval
    ``margin``     how far ours may be from it and still count as reproduced, fixed beforehand:
                   ``0.5`` (the metric's unit), ``2%`` (of the printed value), ``1 sd`` (of the
                   printed spread), ``1 digit`` (units of the last printed digit)
    ``width``      the longest interval that may still read ``consistent``, by the same formulas;
                   without one, twice the length of the interval (−margin, +margin)
    ``not_comparable``  why ours is no measurement of the same thing, where it is none (data that
                   were never released): shown beside ours with this reason, and never judged
    """

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
    width: str = ""
    not_comparable: str = ""


@dataclass
class Overall:
    """A statistic over runs × data sets, with an interval; of a ``mean_rank``, Friedman's test.

    ``relative_to``  a method: values become log ratios to its mean, so that unlike units can be
                     averaged. For ``probability_of_improvement``: the rival
    """

    id: str = MISSING
    metric: str = MISSING
    statistic: Literal[
        "mean",
        "median",
        "interquartile_mean",
        "mean_rank",
        "probability_of_improvement",
        "profile",
    ] = MISSING
    relative_to: str = ""
    datasets: Optional[list[str]] = None  # noqa: UP045
    title: str = ""


@dataclass
class Select:
    """What a configuration is chosen by: a metric that sees nothing but validation data."""

    metric: str = MISSING
    split: str = "validation"


@dataclass
class Tuning:
    """Tuning by the harness: the same budget, seeds and data for every method in ``space``.

    ``budget``  configurations per method and data set
    ``search``  ``random``: one draw from each of ``budget`` equal parts of a range, in an order of
                their own for each parameter; ``grid``: the product of the listed values
    ``seeds``   tuning's own, which no table may use
    ``task``    settings over the scale's, such as one that leaves the test fold alone
    ``space``   method → parameter → a list of values, or ``{low: …, high: …, log: true}``. The
                values chosen stand in the table in place of the parameters' own
    """

    budget: int = MISSING
    search: Literal["random", "grid"] = "random"
    seeds: list[int] = MISSING
    select: Select = field(default_factory=Select)
    task: dict[str, Any] = field(default_factory=dict)
    space: dict[str, dict[str, Any]] = MISSING


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
    tuning: Optional[Tuning] = None  # noqa: UP045
    reported: list[Reported] = field(default_factory=list)
    overall: list[Overall] = field(default_factory=list)
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
