"""JSON values as they were written (自描述值): numbers keep their digits, what JSON does not allow stays visible."""

from __future__ import annotations

import json
from typing import Any

DEPTH_LIMIT = 32
"""How deep a value may be nested inside a record."""

Record = dict[str, Any]


class NestedTooDeepError(ValueError):
    """A document is nested so deep that it cannot be parsed."""


class Number(str):
    """A number, as its digits were written."""

    __slots__ = ()


class NotFinite(Number):
    """``NaN`` or ``Infinity``: words of some programs, no numbers of JSON (RFC 8259)."""

    __slots__ = ()


class RepeatingRecord(dict[str, Any]):
    """An object that has the same name twice, so that one of two values would be lost."""

    repeated: list[str]


def parse_json(text: str) -> object:
    """Parse JSON so that nothing is rounded or lost: numbers as text, a name given twice remembered.

    Raises:
        json.JSONDecodeError: with line and column.
        NestedTooDeepError: when it cannot be parsed at all.

    >>> parse_json('{"code": 915101070549352000, "score": 80.20}')
    {'code': '915101070549352000', 'score': '80.20'}
    """
    try:
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=NotFinite, object_pairs_hook=_record
        )
    except RecursionError as error:
        raise NestedTooDeepError("lists or objects are nested hundreds of levels deep") from error


def _record(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) == len(pairs):
        return record
    names = [name for name, _ in pairs]
    repeating = RepeatingRecord(record)
    repeating.repeated = sorted({name for name in names if names.count(name) > 1})
    return repeating


def fault_of(record: object) -> tuple[str, str]:
    """Return why an entry of the list is no record that could be admitted, with a detail; empty when it is one.

    >>> fault_of(parse_json('{"a": 1}')), fault_of(parse_json('{"a": NaN}')), fault_of(["a"])
    (('', ''), ('NUMBER_NOT_FINITE', 'a is NaN'), ('ROW_RAGGED', 'a list, not an object'))
    """
    if not isinstance(record, dict):
        return "ROW_RAGGED", f"a {type(record).__name__.lower()}, not an object"
    if not record:
        return "BLANK_ROW", ""
    if isinstance(record, RepeatingRecord):
        return "NAME_REPEATED", f"{', '.join(record.repeated)} comes twice"
    for name, value in record.items():
        if type(value) not in _PLAIN:
            code, detail = _fault_inside(value, 1)
            if code:
                return code, f"{name} {detail}"
    return "", ""


_PLAIN = frozenset({str, Number, bool, type(None)})


def _fault_inside(value: object, depth: int) -> tuple[str, str]:
    if isinstance(value, NotFinite):
        return "NUMBER_NOT_FINITE", f"is {value}"
    if isinstance(value, RepeatingRecord):
        return "NAME_REPEATED", f"holds {', '.join(value.repeated)} twice"
    if not isinstance(value, (dict, list)):
        return "", ""
    if depth > DEPTH_LIMIT:
        return "NESTED_TOO_DEEP", f"is nested more than {DEPTH_LIMIT} levels deep"
    parts = value.values() if isinstance(value, dict) else value
    return next((fault for part in parts if (fault := _fault_inside(part, depth + 1))[0]), ("", ""))


def as_text(value: object) -> str | None:
    """Return a JSON value as text; nothing stays nothing.

    >>> as_text(True), as_text(None), as_text(parse_json('["甲", 1.50, {"乙": null}]'))
    ('true', None, '["甲", 1.50, {"乙": null}]')
    """
    if value is None or isinstance(value, str):
        return value
    return _written(value)


def _written(value: object) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_written(part) for part in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_written(name)}: {_written(part)}' for name, part in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)
