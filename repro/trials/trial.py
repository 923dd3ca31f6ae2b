"""A trial: one (data set, method, hyper-parameters, seed) at one scale, named by its content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from repro.files import sha256_of_json

#: Part of every trial's id: raise it when the meaning of the contract between task, method and
#: harness changes, so that old results are no longer found.
CONTRACT = 1


@dataclass(frozen=True)
class Setting:
    """What trials that differ in their seed alone share: one cell of the table, or one point of a
    sweep.

    ``method``   the key in the spec; ``use`` and ``params`` are what runs
    ``swept``    the swept parameters with this setting's values; empty for a method without a sweep
    ``in_table`` whether the setting stands in the table
    ``in_sweep`` whether it is a declared point of its method's sweep; what is in neither is one of
                 the configurations that tuning tries
    """

    task: str
    task_settings: dict[str, Any]
    dataset: str
    dataset_identity: str
    method: str
    use: str
    params: dict[str, Any]
    swept: dict[str, Any]
    in_table: bool
    in_sweep: bool = False

    @property
    def variant(self) -> str:
        """What tells the setting from others of its method: swept values, or those tuning tries."""
        tuned = not self.in_table and not self.in_sweep
        shown = self.params if tuned else self.swept
        text = ", ".join(f"{name}={value}" for name, value in shown.items())
        return f"tuning: {text}" if tuned else text


@dataclass(frozen=True)
class Trial:
    """One run of a setting with one seed."""

    setting: Setting
    seed: int

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that makes this trial another trial, as JSON values."""
        setting = self.setting
        return {
            "contract": CONTRACT,
            "task": setting.task,
            "task_settings": setting.task_settings,
            "dataset": setting.dataset_identity,
            "method": setting.use,
            "params": setting.params,
            "seed": self.seed,
        }

    @cached_property
    def trial_id(self) -> str:
        """SHA-256 of the canonical JSON of :attr:`identity`, shortened to 32 hexadecimal digits."""
        return sha256_of_json(self.identity)[:32]
