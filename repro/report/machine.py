"""The report for programs: ``verdicts.json`` (strict JSON) and ``trials.parquet``."""

from __future__ import annotations

import io
import json
import math
from typing import Any

from repro.aggregate import Cell
from repro.report import wording
from repro.report.document import Document
from repro.store import TrialRecord
from repro.verdicts import ClaimVerdict, ComparedPair


def verdicts_json(document: Document) -> str:
    """Return cells and claims as strict JSON: what is not finite is null, beside a flag."""
    plan = document.plan
    content = {
        "paper": plan.spec.paper,
        "scale": plan.scale_name,
        "partial": plan.partial,
        "seeds": plan.seeds,
        "headline": document.sentence,
        "notes": document.notes,
        "cells": [_cell(cell) for cell in document.data.cells.values()],
        "claims": [_claim(claim) for claim in document.claims],
        "intervals": wording.INTERVALS,
    }
    return json.dumps(_strict(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def trials_parquet(document: Document) -> bytes:
    """Return one row per trial: what it is, its state, every metric and every cost.

    A metric that was not measured is null; one that diverged is NaN or infinite.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_trial(record) for record in document.records]
    names = dict.fromkeys(name for row in rows for name in row)
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), buffer)
    return buffer.getvalue()


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
        "estimate": deciding.comparison.estimate if deciding else None,
        "interval": deciding.interval if deciding else None,
        "p": verdict.test.p,
        "p_holm": verdict.p_holm,
        "family_size": verdict.family,
        "deciding": _pair(deciding) if deciding else None,
        "comparisons": [_pair(pair) for pair in verdict.pairs],
        "left_out": verdict.left_out,
        "reasons": verdict.reasons,
        "notes": verdict.notes,
    }


def _pair(compared: ComparedPair) -> dict[str, Any]:
    pair, comparison = compared.pair, compared.comparison
    return {
        "dataset": pair.dataset,
        "rival": pair.rival,
        "metric": pair.metric,
        "budget": pair.budget,
        "n": comparison.n,
        "test": comparison.test,
        "wins": comparison.wins,
        "estimate": comparison.estimate,
        "interval": compared.interval,
        "p_better": comparison.p_greater,
        "p_worse": comparison.p_less,
        "correlation": comparison.correlation,
        "notes": comparison.notes,
    }


def _trial(record: TrialRecord) -> dict[str, Any]:
    setting = record.trial.setting
    row: dict[str, Any] = {
        "trial_id": record.trial.trial_id,
        "dataset": setting.dataset,
        "method": setting.method,
        "seed": record.trial.seed,
        "in_table": setting.in_table,
        "params": json.dumps(setting.params, sort_keys=True),
        "swept": json.dumps(setting.swept, sort_keys=True),
        "state": record.state,
        "commit": record.result.get("commit"),
        "host": record.result.get("host"),
        "finished": record.result.get("finished"),
        "error": record.error.get("message"),
    }
    row |= {f"cost.{name}": value for name, value in record.cost.items()}
    return row | {f"metric.{name}": value for name, value in record.metrics.items()}


def _strict(value: Any) -> Any:
    """Return ``value`` with null for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    return [_strict(item) for item in value] if isinstance(value, list | tuple) else value
