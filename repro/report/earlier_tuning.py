"""Configurations of an earlier space or setting that were tried too, and lie in the store still."""

from __future__ import annotations

from typing import Any

from repro.files import read_json, sha256_of_json
from repro.planning.plan import Plan, stored_names
from repro.trials.store import TrialFolder

#: (data set, method) → how many configurations no longer belong to the plan.
Earlier = dict[tuple[str, str], int]


def earlier_configurations(plan: Plan) -> Earlier:
    """Return how many configurations were tuned that the spec does not name any more.

    To change a space until a method looks good is tuning as well; so it is counted. A trial that
    never finished is no try.
    """
    planned = {trial.trial_id for trial in (*plan.trials, *plan.tuning_trials)}
    found: dict[tuple[str, str], set[str]] = {}
    for name in sorted(stored_names(plan.paths.trials) - planned):
        folder = TrialFolder(plan.paths.trials / name)
        setting = _tuning_setting(folder)
        if setting and folder.result.is_file():
            place = (str(setting.get("dataset")), str(setting.get("method")))
            found.setdefault(place, set()).add(_configuration(setting))
    return {place: len(settings) for place, settings in found.items()}


def _tuning_setting(folder: TrialFolder) -> dict[str, Any]:
    """Return the setting of a stored trial that neither a table nor a sweep has; else nothing."""
    setting = (read_json(folder.trial) or {}).get("setting", {})
    tuned = setting.get("in_table") is False and setting.get("in_sweep") is False
    return setting if tuned else {}


def _configuration(setting: dict[str, Any]) -> str:
    return sha256_of_json([setting.get("params"), setting.get("task_settings")])
