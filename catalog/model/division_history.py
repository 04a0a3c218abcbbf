"""Divisions through their history (行政区划沿革): which codes mean one place, so that a merged county loses nobody."""

from __future__ import annotations

from functools import lru_cache

from catalog.model.codes import load_code_list


@lru_cache
def _came_from() -> dict[str, frozenset[str]]:
    """Return code → the codes that went into it at once, by the successors of the list of divisions."""
    found: dict[str, set[str]] = {}
    for code in load_code_list("division").codes:
        if code.kind == "canonical" and code.successor:
            found.setdefault(code.successor, set()).add(code.code)
    return {code: frozenset(earlier) for code, earlier in found.items()}


def codes_within(code: str) -> frozenset[str]:
    """Return ``code`` and every code that went into it whole, at whatever remove.

    A row that still has the old code is found under both: by the old one, and by the one that took its place.

    >>> sorted(codes_within("110101"))
    ['110101', '110103']
    >>> sorted(codes_within("110103"))
    ['110103']
    """
    found, waiting = {code}, [code]
    while waiting:
        for earlier in _came_from().get(waiting.pop(), frozenset()) - found:
            found.add(earlier)
            waiting.append(earlier)
    return frozenset(found)
