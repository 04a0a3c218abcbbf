"""How a personal value is hidden where people look (脱敏): its first characters stay, the rest becomes asterisks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Mask = Annotated[str, Field(pattern=r"\A(none|all|first_[1-9])\z")]
"""``none``, ``all``, or ``first_<n>``: n characters stay readable."""


def apply_mask(mask: str, value: str) -> str:
    """Return ``value`` under ``mask``; of a short value at most half stays readable.

    >>> apply_mask("first_6", "11010519491231002X"), apply_mask("first_1", "张三丰"), apply_mask("first_3", "张三")
    ('110105************', '张**', '张*')
    >>> apply_mask("all", "7"), apply_mask("none", "2026-03-01")
    ('*', '2026-03-01')
    """
    if mask == "none":
        return value
    kept = 0 if mask == "all" else min(int(mask.removeprefix("first_")), len(value) // 2)
    return value[:kept] + "*" * (len(value) - kept)
