r"""Ways in which any identifier fails (标识失效方式): one ordered table, read by the pure functions and by Spark alike.

Patterns are searched, not matched whole, unless anchored; they are ASCII only and in Java's spelling, where ``\z`` is
the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from catalog.model.ids.cleaning import clean_identifier

PLACEHOLDERS = (
    "/", "\\", "-", "--", "---", "—", "——", "0", "NULL", "NONE", "NIL", "N/A", "NA",
    "无", "空", "暂无", "没有", "不详", "未知", "待补",
)  # fmt: skip
"""What is written, in clean form, where there is no number."""
_LOST = "[?\ufffd]"
_HIDDEN = r"\*|X{4}"
_SCIENTIFIC = r"\A[0-9](?:\.[0-9]*)?E\+?[0-9]{1,2}\z"


class Failure(NamedTuple):
    """One way of failing: what it looks like, and the code that names it."""

    pattern: str
    code: str


def damage(prefix: str, headings: Sequence[str]) -> tuple[Failure, ...]:
    """Return what can happen to any identifier on its way, most telling first.

    Args:
        prefix: start of the reason codes, such as ``USCC``.
        headings: column headings which, when found as a value, mean that a header row was repeated.
    """
    return (
        Failure(one_of(map(clean_identifier, headings)), f"{prefix}_HEADING"),
        Failure(one_of(PLACEHOLDERS), f"{prefix}_PLACEHOLDER"),
        Failure(_LOST, f"{prefix}_CHARACTERS_LOST"),
        Failure(_HIDDEN, f"{prefix}_MASKED"),
        Failure(_SCIENTIFIC, f"{prefix}_SPREADSHEET"),
    )


def has_no_shape(value: str) -> bool:
    """Return whether ``value`` no longer shows which identifier was meant: a placeholder, or a scientific notation.

    >>> has_no_shape("9.14E+17"), has_no_shape("无"), has_no_shape("9151010?054935200X")
    (True, True, False)
    """
    return matches(one_of(PLACEHOLDERS), value) or matches(_SCIENTIFIC, value)


def one_of(texts: Iterable[str]) -> str:
    r"""Return a pattern that matches exactly one of ``texts``.

    >>> one_of(["N/A", "无"])
    '\\A(?:N/A|无)\\z'
    """
    quoted = (re.sub(r"([^\w/])", r"\\\1", text) for text in dict.fromkeys(texts))
    return r"\A(?:" + "|".join(quoted) + r")\z"


def matches(pattern: str, value: str) -> bool:
    """Return whether ``pattern`` (Java's spelling) is found in ``value``."""
    return _compiled(pattern).search(value) is not None


def first_failure(value: str, failures: Iterable[Failure]) -> str | None:
    """Return the code of the first way of failing that ``value`` shows, or None."""
    return next((failure.code for failure in failures if matches(failure.pattern, value)), None)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(r"\z", r"\Z"), re.ASCII)
