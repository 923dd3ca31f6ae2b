"""Whether a value from a spec fits the type annotation of the parameter that it is for."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from repro.errors import did_you_mean

_NAMES = {int: "a whole number", float: "a number", str: "text", NoneType: "null"}


def annotations_of(use: Any) -> dict[str, Any]:
    """Return the annotations of what ``use`` is called with; none where they cannot be resolved."""
    # A class that inherits fields knows the modules in which their types were written.
    plain_class = inspect.isclass(use) and not dataclasses.is_dataclass(use)
    try:
        return get_type_hints(use.__init__ if plain_class else use)
    except (NameError, TypeError):
        return {}


def misfit(value: object, annotation: Any) -> str:
    """Say in what ``value`` does not fit ``annotation``, or return ``""``.

    Checked are ``Literal``, ``int``, ``float`` (a whole number will do), ``bool``, ``str``,
    ``None``, sequences and unions of these; any other annotation takes every value.
    """
    if _fits(value, annotation):
        return ""
    return f"{value!r} does not fit{did_you_mean(str(value), _alternatives(annotation))}"


def _fits(value: object, annotation: Any) -> bool:
    arguments = get_args(annotation)
    if _is_union(annotation):
        return any(_fits(value, one) for one in arguments)
    if get_origin(annotation) is Literal:
        # True == 1 in Python: the types must agree as well.
        return any(type(value) is type(one) and value == one for one in arguments)
    if _is_sequence(annotation):
        if not isinstance(value, Sequence) or isinstance(value, str):
            return False
        return all(_fits(one, _entry(annotation)) for one in value)
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in (bool, str, NoneType):
        return isinstance(value, annotation)
    return True


def _alternatives(annotation: Any) -> list[str]:
    """Return in words what fits ``annotation``: the values themselves where they are listed."""
    if _is_union(annotation):
        return [words for one in get_args(annotation) for words in _alternatives(one)]
    if get_origin(annotation) is Literal:
        return [str(one) for one in get_args(annotation)]
    if _is_sequence(annotation):
        return [f"a list, each entry {' or '.join(_alternatives(_entry(annotation)))}"]
    if annotation is bool:
        return ["true", "false"]
    return [_NAMES.get(annotation, str(annotation))]


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _is_sequence(annotation: Any) -> bool:
    origin = get_origin(annotation) or annotation
    if origin is tuple:
        # A tuple of fixed length gives each place a type of its own.
        return get_args(annotation)[1:] in ((), (...,))
    return inspect.isclass(origin) and origin is not str and issubclass(origin, Sequence)


def _entry(annotation: Any) -> Any:
    return next(iter(get_args(annotation)), Any)
