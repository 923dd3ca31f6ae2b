"""The report for programs: ``verdicts.json`` (strict JSON) and ``trials.parquet``."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from repro.cells.aggregate import Cell
from repro.cells.overall_row import OverallRow
from repro.cells.verdicts import CellVerdict
from repro.claims import ClaimVerdict, Finding
from repro.claims.words import unit_of
from repro.report import wording
from repro.report.document import Document
from repro.report.second_stage import SecondStageReport
from repro.report.stamp import sources
from repro.trial_table import parquet_bytes, trial_row


def verdicts_json(document: Document) -> str:
    """Return what the report says as strict JSON: what is not finite is null, beside a flag."""
    plan, second = document.plan, document.second_stage
    content = {
        "paper": plan.spec.paper,
        "title": plan.spec.title,
        "scale": plan.scale_name,
        "partial": plan.partial,
        "seeds": plan.seeds,
        "headline": document.sentence,
        "banner": document.banner,
        "notes": document.notes,
        "cells": _cells(document),
        "overall": [_overall(row) for row in document.overall],
        "claims": [_claim(claim) for claim in document.claims],
        "second_stage": _second_stage(second) if second else None,
        "tuning": [dataclasses.asdict(entry) for entry in plan.ledger],
        "seal": document.provenance.seal,
        "intervals": wording.INTERVALS,
        "spec": dataclasses.asdict(plan.spec),
        "sources": sources(),
    }
    return json.dumps(_strict(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def trials_parquet(document: Document) -> bytes:
    """Return one row per trial, a second stage's last: what it is, its state, metrics and costs.

    A metric that was not measured is null; one that diverged is NaN or infinite.
    """
    second = document.second_stage.records if document.second_stage else ()
    records = (*document.records, *second)
    return parquet_bytes([trial_row(record, document.plan.seeds) for record in records])


def _cells(document: Document) -> list[dict[str, Any]]:
    printed = {(r.dataset, r.method, r.metric): r for r in document.plan.spec.reported}
    cells = []
    for key, cell in document.data.cells.items():
        verdict = document.cell_verdicts.get(key)
        reported = dataclasses.asdict(printed[key]) if key in printed else None
        against = {"reported": reported, "against_paper": _against(verdict) if verdict else None}
        cells.append(_cell(cell) | against)
    return cells


def _against(verdict: CellVerdict) -> dict[str, Any]:
    names = ("verdict", "difference", "interval", "margin", "further_seeds", "sentence")
    return {name: getattr(verdict, name) for name in names}


def _overall(row: OverallRow) -> dict[str, Any]:
    return dataclasses.asdict(row) | {"id": f"{row.id}/{row.method}", "entry": row.id}


def _second_stage(second: SecondStageReport) -> dict[str, Any]:
    return {
        "sentence": second.sentence,
        "seeds": sorted({record.trial.seed for record in second.records}),
        "trials": [record.trial.trial_id for record in second.records],
        "claims": [_claim(claim) for claim in second.claims],
        "cells": [
            {"address": "/".join(key), "dataset": key[0], "method": key[1], **_against(verdict)}
            for key, verdict in second.cells.items()
        ],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    summary = cell.summary
    return {
        "address": cell.address,
        "dataset": cell.dataset,
        "method": cell.method,
        "metric": cell.metric,
        "state": cell.state,
        "planned": cell.planned,
        "finished": len(cell.values),
        "stale": len(cell.stale),
        "failed": cell.trials("failed"),
        "diverged": cell.diverged,
        "n": summary.n if summary else 0,
        "mean": summary.mean if summary else None,
        "sd": summary.sd if summary else None,
        "interval": summary.interval if summary else None,
        "level": summary.level if summary else None,
        "corrected_for_resplits": summary.corrected if summary else None,
        "not_finite": {str(s): str(v) for s, v in cell.shown.items() if not math.isfinite(v)},
        "trials": [record.trial.trial_id for record in cell.group.records],
    }


def _claim(verdict: ClaimVerdict) -> dict[str, Any]:
    deciding = verdict.deciding
    return {
        "id": verdict.claim.id,
        "text": verdict.claim.text,
        "source": verdict.claim.source,
        "ours": verdict.claim.ours,
        "kind": verdict.claim.kind,
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "estimate": verdict.estimate,
        "interval": verdict.interval,
        "p": verdict.test.p,
        "p_holm": verdict.p_holm,
        "family_size": verdict.family,
        "deciding": _finding(deciding) if deciding else None,
        "comparisons": [_finding(finding) for finding in verdict.findings],
        "left_out": verdict.left_out,
        "reasons": verdict.reasons,
        "notes": verdict.notes,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    comparison = finding.comparison
    return {
        "place": finding.place,
        "dataset": finding.dataset,
        "rival": finding.rival,
        "metric": finding.metric,
        "budget": finding.budget,
        "label": finding.estimate_label,
        "unit": unit_of(finding),
        "n": comparison.n,
        "test": comparison.test,
        "wins": comparison.wins,
        "estimate": comparison.estimate,
        "interval": finding.interval,
        "p_better": comparison.p_greater,
        "p_worse": comparison.p_less,
        "correlation": comparison.correlation,
        "profile_likelihood": comparison.likelihood,
        "notes": comparison.notes,
    }


def _strict(value: Any) -> Any:
    """Return ``value`` with null for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    return [_strict(item) for item in value] if isinstance(value, list | tuple) else value
