"""Reading a spec: YAML to typed dataclasses, every mistake as one line with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from repro.errors import UserError, did_you_mean
from repro.paths import TABLES
from repro.spec.checker import Checker
from repro.spec.consistency import check_consistency
from repro.spec.reported import check_quoted
from repro.spec.schema import TableSpec
from repro.spec.shape import check_shape, entry_place, entry_type


def paper_path(paper: str, tables: Path = TABLES) -> Path:
    """Return the spec file of ``paper``. An unknown key: ``UserError`` with the valid ones."""
    path = tables / f"{paper}.yaml"
    if "/" in paper or not path.is_file():
        known = available_papers(tables)
        raise UserError(f"unknown paper {paper!r}; valid: {', '.join(known)}, all")
    return path


def available_papers(tables: Path = TABLES) -> list[str]:
    """Return the keys of the papers that have a spec."""
    return sorted(path.stem for path in tables.glob("*.yaml"))


def load_spec(paper: str, tables: Path = TABLES) -> TableSpec:
    """Return the spec of ``paper``, typed and consistent. Raises ``UserError`` with one line."""
    path = paper_path(paper, tables)
    spec: TableSpec = read_typed(path, TableSpec, partial(check_quoted, Checker(path)))
    if spec.paper != paper:
        raise UserError(f"{path}: paper: is {spec.paper!r}, but the file is named {paper}.yaml")
    check_consistency(spec, path)
    return spec


def read_typed(path: Path, schema: type[Any], check: Callable[[Any], None] = lambda _: None) -> Any:
    """Return the YAML file ``path`` as an instance of the dataclass ``schema``.

    ``check`` sees the file as it was read, before any value takes the type of its field.
    """
    place = ""
    try:
        loaded = OmegaConf.load(path)
        content = OmegaConf.to_container(loaded, resolve=False)
        check_shape(content, schema, partial(_fail, path))
        check(loaded)
        for place, kind, entry in _entries(content, schema):  # noqa: B007 - the error names it
            OmegaConf.merge(OmegaConf.structured(kind), entry)
        place = ""
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), loaded))
    except OmegaConfBaseException as error:
        raise UserError(f"{path}: {_one_line(error, place)}") from error
    except YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        problem = f"byte {error.object[error.start]:#04x} at position {error.start}"
        raise UserError(f"{path}: not valid UTF-8 text: {problem}") from error
    except OSError as error:
        # OmegaConf says so of a file that holds one value alone.
        problem = error.strerror or "it must be a mapping (`key: value`) at its outermost level"
        raise UserError(f"{path}: cannot be read: {problem}") from error


def _fail(path: Path, key: str, problem: str) -> NoReturn:
    raise UserError(f"{path}: {key}: {problem}" if key else f"{path}: {problem}")


def _entries(content: Any, schema: type[Any]) -> Iterator[tuple[str, type[Any], Any]]:
    """Yield each entry of each list of dataclasses, with its place: OmegaConf forgets that."""
    for key, values in content.items():
        kind = entry_type(schema, key)
        if kind is not None and isinstance(values, list):
            for index, entry in enumerate(values):
                yield entry_place(key, index, entry), kind, entry


def _one_line(error: OmegaConfBaseException, place: str) -> str:
    """Return ``key.path: what is wrong``, with the nearest valid key where one was misspelt."""
    text = str(error).splitlines()[0]
    key = ".".join(filter(None, (place, error.full_key)))
    unknown = re.match(r"Key '(.*)' not in '(.*?)'", text)
    invalid = re.match(r"Invalid value '(.*)', expected one of \[(.*)\]", text)
    if unknown:
        fields = getattr(error.object_type, "__dataclass_fields__", {})
        text = f"unknown key {unknown[1]!r}{did_you_mean(unknown[1], fields)}"
    elif invalid:
        valid = re.findall(r"'(.*?)'", invalid[2])
        text = f"invalid value {invalid[1]!r}{did_you_mean(invalid[1], filter(None, valid))}"
    elif "missing mandatory value" in text:
        text = "required, but missing"
    elif "is not Optional" in text:
        text = "must have a value"
    return f"{key}: {text}" if key else text
