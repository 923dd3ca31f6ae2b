"""Whether a file's lists and mappings stand where its schema has them, entry by entry."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

#: Says that ``key`` is wrong in some way. It raises, so it does not come back.
Fail = Callable[[str, str], Any]


def check_shape(content: Any, schema: type[Any], fail: Fail) -> None:
    """Call ``fail`` for the first list or mapping of ``content`` that is not what ``schema`` says.

    ``content`` is plain Python as a YAML file has it. Unknown and missing keys pass: what takes
    the types of ``schema`` finds those.
    """
    if not isinstance(content, Mapping):
        fail("", "must be a mapping (`key: value`) at its outermost level")
    _check(content, schema, "", fail)


def entry_place(key: str, index: int, entry: Any) -> str:
    """Return how an entry of a list is called: by its ``id`` where it has one."""
    name = entry.get("id") if isinstance(entry, Mapping) else None
    return f"{key}.{name}" if isinstance(name, str) and name != "???" else f"{key}[{index}]"


def entry_type(schema: type[Any], key: str) -> type[Any] | None:
    """Return the dataclass of the entries of the list ``key`` of ``schema``; else ``None``."""
    annotation = get_type_hints(schema).get(key)
    arguments = get_args(annotation)
    found = arguments[0] if get_origin(annotation) is list else None
    return found if inspect.isclass(found) and dataclasses.is_dataclass(found) else None


def _check(value: Any, annotation: Any, place: str, fail: Fail) -> None:
    if isinstance(value, str) and value.startswith("${"):
        return
    if get_origin(annotation) in (Union, UnionType):
        _check_union(value, get_args(annotation), place, fail)
    elif get_origin(annotation) is list:
        _check_list(value, get_args(annotation)[0], place, fail)
    elif get_origin(annotation) is dict:
        for key, entry in _mapping(value, place, fail).items():
            _check(entry, get_args(annotation)[1], _below(place, key), fail)
    elif inspect.isclass(annotation) and dataclasses.is_dataclass(annotation):
        hints = get_type_hints(annotation)
        for key, entry in _mapping(value, place, fail).items():
            if key in hints:
                _check(entry, hints[key], _below(place, key), fail)
    elif annotation in (str, int, float, bool) and isinstance(value, list | Mapping):
        fail(place, f"must be one value, is {value!r}")


def _check_union(value: Any, arguments: tuple[Any, ...], place: str, fail: Fail) -> None:
    if value is None and NoneType in arguments:
        return
    (wanted,) = (one for one in arguments if one is not NoneType)
    _check(value, wanted, place, fail)


def _check_list(value: Any, annotation: Any, place: str, fail: Fail) -> None:
    if not isinstance(value, list):
        fail(place, f"must be a list, is {value!r}")
    for index, entry in enumerate(value):
        _check(entry, annotation, entry_place(place, index, entry), fail)


def _mapping(value: Any, place: str, fail: Fail) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        fail(place, f"must be a mapping (`key: value`), is {value!r}")
    mapping: Mapping[Any, Any] = value
    return mapping


def _below(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)
