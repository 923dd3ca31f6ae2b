"""The table spec: a paper's headline table as data, what to run, and what must hold."""

from repro.spec.claim_entry import Claim
from repro.spec.load import available_papers, load_spec, paper_path
from repro.spec.schema import (
    DatasetSpec,
    MethodSpec,
    Metric,
    Overall,
    Reported,
    Resources,
    ScaleSpec,
    SweepScale,
    TableSpec,
    Tuning,
)

__all__ = [
    "Claim",
    "DatasetSpec",
    "MethodSpec",
    "Metric",
    "Overall",
    "Reported",
    "Resources",
    "ScaleSpec",
    "SweepScale",
    "TableSpec",
    "Tuning",
    "available_papers",
    "load_spec",
    "paper_path",
]
