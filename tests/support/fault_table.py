"""Writes which faults were tried and what came of them, where FAULT_TABLE names a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_HEADING = "| fault | test | outcome | seconds |\n|---|---|---|---|\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each report carry the fault that its test is about, from other processes too."""
    for item in items:
        for mark in item.iter_markers("fault"):
            item.user_properties.append(("fault", mark.args[0]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the table, one row per test of a fault."""
    path = os.environ.get("FAULT_TABLE")
    reports = [
        report
        for outcome in ("passed", "failed", "skipped")
        for report in terminalreporter.stats.get(outcome, [])
        if "fault" in dict(report.user_properties)
    ]
    if not path or not reports:
        return
    rows = [_row(report) for report in sorted(reports, key=lambda report: report.nodeid)]
    counts = [_counts(report) for report in reports]
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_HEADING + "".join(rows) + "".join(counts), encoding="utf-8")


def _row(report: Any) -> str:
    name = report.nodeid.rpartition("::")[2]
    fault = dict(report.user_properties)["fault"]
    return f"| {fault} | {name} | {report.outcome} | {report.duration:.0f} |\n"


def _counts(report: Any) -> str:
    counts = dict(report.user_properties).get("counts")
    if not counts:
        return ""
    lines = [f"- {name}: {count}\n" for name, count in json.loads(counts).items()]
    return "\nHow often each happened in the random test:\n\n" + "".join(lines)
