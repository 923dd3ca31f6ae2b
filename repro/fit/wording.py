"""A fit in words for the terminal, and as JSON for programs."""

from __future__ import annotations

import json
import math
from typing import Any

from tabulate import tabulate

from repro.fit.findings import Findings, Interval
from repro.fit.models import JOINT, Curve


def text(found: Findings) -> str:
    """Return the fit as tables and sentences."""
    headers = ["parameter", "estimate", "standard error", "95 % interval", "profile likelihood"]
    rows = [
        [p.name, _number(p.value), _number(p.standard_error), _ends(p.interval), _ends(p.profile)]
        for p in found.parameters
    ]
    parts = [
        "\n".join(_head(found)),
        tabulate(rows, headers, tablefmt="simple", disable_numparse=True),
        "\n".join(_sentences(found)),
    ]
    if found.extrapolations:
        parts += [_extrapolations(found)]
    return "\n\n".join(part for part in parts if part)


def as_json(found: Findings) -> str:
    """Return the fit as one JSON object; what is unknown or not finite is ``null``."""
    request, drawn = found.request, found.bootstrap
    content = {
        "file": str(request.path),
        "columns": dict(request.columns),
        "points": len(found.points),
        "dropped": found.dropped,
        "form": found.form,
        "formula": found.model.formula,
        "huber_delta": found.huber_delta,
        "loss": found.model.loss,
        "parameters": {
            p.name: {
                "estimate": p.value,
                "standard_error": p.standard_error,
                "interval": p.interval,
                "profile_interval": p.profile,
            }
            for p in found.parameters
        },
        "level": 0.95,
        "resampled": found.resampled or None,
        "resamples": None if drawn is None else int(drawn.chances.size),
        "generator_seed": None if drawn is None else request.generator_seed,
        "extrapolation": [
            {
                "form": one.form,
                "at": one.x,
                "predicted": one.predicted,
                "measured": one.measured,
                "error": one.error,
                "root_mean_square_error": one.root_mean_square,
            }
            for one in found.extrapolations
        ],
        "notes": list(found.notes),
    }
    return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False, indent=2)


def _head(found: Findings) -> list[str]:
    dropped = f", without the {found.dropped} of highest loss" if found.dropped else ""
    lines = [f"{found.request.path}: {len(found.points)} points{dropped}"]
    over = (
        f"; x: {found.points.columns[found.model.over]}" if isinstance(found.model, Curve) else ""
    )
    lines.append(f"{found.form}: {found.model.formula}{over}")
    if found.model.loss is None:
        return lines
    of = "ln loss" if found.form == JOINT else "the loss"
    kind = f"least squares of {of}"
    if found.huber_delta is not None:
        kind = f"Huber's loss of {of}, δ = {found.huber_delta:g}"
    return [*lines, f"{kind}: {found.model.loss:.6g}"]


def _sentences(found: Findings) -> list[str]:
    drawn, lines = found.bootstrap, []
    if drawn is not None:
        lines.append(
            f"interval: t, bootstrap over {found.resampled} ({drawn.chances.size:,} resamples, "
            f"generator's seed {found.request.generator_seed}){_on_logarithm(found)}"
        )
    elif found.request.draws == 0:
        lines.append("no interval: --draws is 0")
    else:
        lines.append("no interval: a frontier's bootstrap is over seeds, and --seed names none")
    if drawn is not None and drawn.units < 2:
        lines.append("one seed says nothing of the error")
    if any(parameter.profile for parameter in found.parameters):
        lines.append("profile likelihood: what the points' scatter about the fit allows, 95 %")
    return [*lines, *found.notes]


def _on_logarithm(found: Findings) -> str:
    names = [p.name for p in found.parameters if p.logarithmic]
    return f"; {' and '.join(names)} on the logarithm" if names else ""


def _extrapolations(found: Findings) -> str:
    rows = [
        [
            one.form,
            _number(one.predicted),
            _number(one.measured),
            f"{one.error:+.4g}",
            f"{one.error / one.measured:+.2%}" if one.measured else "–",
        ]
        for one in found.extrapolations
    ]
    headers = ["fitted to all others", "predicted", "measured", "error", "relative"]
    where = f"Extrapolation to the largest, {found.extrapolations[0].x:.6g}"
    table = tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
    return f"{where} (means of its points):\n\n{table}"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.5g}"


def _ends(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval[0]:.4g} to {interval[1]:.4g}"


def _finite(content: Any) -> Any:
    """Return ``content`` with ``None`` for every number that JSON cannot hold."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
