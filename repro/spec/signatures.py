"""Checking a spec against the live classes that it names.

Importing them costs seconds (torch), so the answer is remembered in the cache directory under the
hash of the spec, of the sources it names and of the check: a plan with nothing new imports nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from repro.data import cache_directory
from repro.errors import UserError, did_you_mean
from repro.files import sha256_of_file, sha256_of_json, write_text
from repro.spec import values
from repro.spec.schema import TableSpec, Tuning
from repro.spec.tuning import axis_values
from repro.trials.fingerprint import code_fingerprint


def check_signatures(spec: TableSpec, path: Path) -> None:
    """Raise ``UserError`` for the first name, parameter or value that no live class takes."""
    names = [spec.task, *(method.use for method in spec.methods.values())]
    sources = code_fingerprint(names).files
    # The check itself counts: what an earlier one let pass is looked at again.
    check = [sha256_of_file(Path(name)) for name in (__file__, values.__file__)]
    digest = sha256_of_json([dataclasses.asdict(spec), sources, check])
    mark = cache_directory() / "checked-specs" / digest
    if mark.exists():
        return
    _check(spec, path)
    with contextlib.suppress(OSError, UserError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        write_text(mark, spec.paper)


def import_name(dotted: str, place: str) -> Any:
    """Return the object that ``package.module.Name`` names. ``place`` opens the error's line."""
    module_name, _, name = dotted.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if module_name == missing or module_name.startswith(missing + "."):
            raise UserError(f"{place}: {dotted!r}: there is no module {missing!r}") from error
        raise UserError(
            f"{place}: {dotted!r} needs the package {missing!r}: run `make setup PAPER=<paper>`"
        ) from error
    except ValueError as error:
        raise UserError(f"{place}: {dotted!r} is not a dotted name package.module.Name") from error
    if not hasattr(module, name):
        names = [key for key in vars(module) if not key.startswith("_")]
        near = did_you_mean(name, names)
        raise UserError(f"{place}: module {module_name!r} has no {name!r}{near}")
    return getattr(module, name)


def _check(spec: TableSpec, path: Path) -> None:
    task = import_name(spec.task, f"{path}: task")
    for name, scale in spec.scales.items():
        settings = {setting: [value] for setting, value in scale.task.items()}
        _check_calls(task, settings, f"{path}: scales.{name}.task")
    for key, method in spec.methods.items():
        use = import_name(method.use, f"{path}: methods.{key}.use")
        tuned = spec.tuning.space.get(key, {}) if spec.tuning else {}
        axes = {name: axis_values(axis) for name, axis in tuned.items()}
        _check_calls(use, axes | _axes(method.params), f"{path}: methods.{key}.params")
    if spec.tuning is not None:
        _check_tuning(spec, spec.tuning, task, path)


def _check_tuning(spec: TableSpec, tuning: Tuning, task: Any, path: Path) -> None:
    """Check tuning's settings of the task, and each method with the ends of its space."""
    for name, scale in spec.scales.items():
        merged = {**scale.task, **tuning.task, **scale.tuning.task}
        settings = {setting: [value] for setting, value in merged.items()}
        _check_calls(task, settings, f"{path}: tuning.task (scale {name})")
    for key, space in tuning.space.items():
        method = spec.methods[key]
        use = import_name(method.use, f"{path}: methods.{key}.use")
        fixed = {k: v for k, v in method.params.items() if not isinstance(v, dict)}
        axes = {name: axis_values(axis) for name, axis in space.items()}
        _check_calls(use, _axes(fixed) | axes, f"{path}: tuning.space.{key}")


def _check_calls(use: Any, axes: dict[str, list[Any]], place: str) -> None:
    """Check what ``use`` is called with, one value after another, then call it with each choice."""
    _check_names(use, axes, place)
    _check_values(use, axes, place)
    for choice in itertools.product(*axes.values()):
        try:
            use(**dict(zip(axes, choice, strict=True)))
        except (TypeError, ValueError, UserError) as error:
            problem = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{place}: {problem}") from error


def _check_names(use: Any, given: Iterable[str], place: str) -> None:
    parameters = inspect.signature(use).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in given:
        if name not in parameters:
            near = did_you_mean(name, parameters)
            raise UserError(f"{place}.{name}: {use.__name__} takes no such parameter{near}")
    for name, parameter in parameters.items():
        variadic = parameter.kind is parameter.VAR_POSITIONAL
        if parameter.default is parameter.empty and not variadic and name not in given:
            raise UserError(f"{place}: {use.__name__} requires {name!r}")


def _check_values(use: Any, axes: dict[str, list[Any]], place: str) -> None:
    annotations = values.annotations_of(use)
    for name, given in axes.items():
        for value in given:
            problem = values.misfit(value, annotations.get(name, Any))
            if problem:
                raise UserError(f"{place}.{name}: {problem}")


def _axes(params: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the values that each parameter takes: those of its sweep, or the one given."""
    return {
        name: value["sweep"] if isinstance(value, dict) else [value]
        for name, value in params.items()
    }
