"""When something is due by the clock (定时表达式): the five fields of cron, judged without the scheduler."""

from __future__ import annotations

import re

_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of the week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_PART = re.compile(r"(?:(\*)|([0-9]+|[a-z]{3})(?:-([0-9]+|[a-z]{3}))?)(?:/([0-9]+))?\Z")


def cron_problem(expression: str) -> str | None:
    """Return what is wrong with a cron expression, or None when it is one.

    >>> cron_problem("30 6 * * 1-5")
    >>> cron_problem("30 25 * * *")
    "hour '25' is not between 0 and 23"
    >>> cron_problem("30 6 * *")
    'it has 4 fields, not 5'
    """
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} fields, not {len(_FIELDS)}"
    for field, (name, lowest, highest, names) in zip(fields, _FIELDS, strict=True):
        for part in field.lower().split(","):
            if problem := _part_problem(part, name, lowest, highest, names):
                return problem
    return None


def _part_problem(part: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> str | None:
    found = _PART.match(part)
    if found is None:
        return f"{name} {part!r} cannot be read"
    ends = []
    for word in (found[2], found[3]):
        if word is None:
            continue
        if word in names:
            ends.append(names.index(word) + lowest)
        elif word.isdigit() and lowest <= int(word) <= highest:
            ends.append(int(word))
        else:
            return f"{name} {word!r} is not between {lowest} and {highest}"
    if ends != sorted(ends):
        return f"{name} {part!r} ends before it begins"
    if found[4] is not None and int(found[4]) == 0:
        return f"{name} {part!r} has no step"
    return None
