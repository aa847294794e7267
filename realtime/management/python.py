"""Tables as constants of a Python module, in the style of the house."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Table = tuple[str, str, Any]
"""The name, the sentence that describes it, and the value: a text, a list, or an object of texts, numbers and lists."""


def constants(tables: Iterable[Table]) -> str:
    """An annotated constant for each table; a list is a frozenset."""
    return "".join(f'\n{name}: {_type(value)} = {_value(value)}\n"""{why}."""\n' for name, why, value in tables)


def _type(value: Any) -> str:
    if isinstance(value, list):
        return f"frozenset[{_type(value[0])}]"
    if isinstance(value, tuple):
        return "tuple[str, ...]"
    if isinstance(value, dict):
        kinds = sorted({_type(one) for one in value.values()}, key=lambda kind: (kind == "None", kind))
        return f"dict[{_type(next(iter(value)))}, {' | '.join(kinds)}]"
    return "None" if value is None else type(value).__name__


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "frozenset(\n    {\n" + "".join(f"        {_value(one)},\n" for one in value) + "    }\n)"
    if isinstance(value, dict):
        return "{\n" + "".join(f"    {_value(key)}: {_value(one)},\n" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
    return f'"{value}"' if isinstance(value, str) else repr(value)
