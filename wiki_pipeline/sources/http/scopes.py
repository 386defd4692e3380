"""Settings that name spaces or projects, and what is wanted of each: `{"DEV": [], "DOCS": [{...}]}`; empty: all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ShapeError(ValueError):
    """A value is not of the shape expected; says where and what is. A `ValueError`, because pydantic reads those."""


class Scopes(dict[str, tuple[T, ...]], Generic[T]):
    """What is wanted, by the key of a space or project; nothing: all of it.

    Attributes:
        problems: entries that can't be used, each with its place and what is wrong with it.
    """

    problems: tuple[str, ...] = ()


S = TypeVar("S", bound=Scopes[Any])


def read_scopes(
    into: S, value: Any, *, example: str, key_of: Callable[[Any], str], read: Callable[[Any, str], tuple[Any, ...]]
) -> S:
    """Read JSON text, or what a configuration file made of it. Entries that can't be used are left out, and become
    `problems`.

    Args:
        into: where they are put.
        example: a key, as `DEV`.
        key_of: reads a key; raises ShapeError for what is none.
        read: reads what is wanted of it, and is given the key for its messages; raises ShapeError likewise.

    Raises:
        ShapeError: not JSON, no object, or a key comes twice.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}", object_pairs_hook=_without_repetition)
        except json.JSONDecodeError as error:
            raise ShapeError(
                f'not JSON ({error.msg} at line {error.lineno} column {error.colno}); expected {{"{example}": [], ...}}'
            ) from None
    if not isinstance(value, dict):
        raise ShapeError(f'expected an object of keys, as {{"{example}": []}}')
    problems = []
    for key, wanted in value.items():
        try:
            into[key_of(key)] = read(wanted, key)
        except ShapeError as error:
            problems.append(str(error))
    into.problems = tuple(problems)
    return into


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ShapeError(f"{repeated[0]!r} is given twice")
    return dict(pairs)
