"""Whether a raw value is the standard value as it was written (原样合格): one flat condition each, seen before steps.

Most values of a well-kept source are. Each condition may miss values that stand; where it holds, the rule of the same
name gives the value unchanged, finds no problem and records nothing. It may be null, which is no.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column

from catalog.model.codes import load_code_list
from catalog.model.contract import Item
from jobs.runtime.standards.cleaning import IDEOGRAPHS, is_clean
from jobs.runtime.standards.dates import is_everyday
from jobs.runtime.standards.soundness import SOUND
from jobs.runtime.standards.text import is_plain_name

Condition = Callable[[Column], Column]
"""Raw text → whether it stands."""
_PLAIN_ADDRESS = rf"\A[\x21-\x5a\x5c\x5e-\x7e\xb7{IDEOGRAPHS}]+\z"
"""Clean text without square brackets, which an address writes round."""
_PLAIN_PHONE = r"\A1[3-9][0-9]{9}\z"
_PLAIN_INTEGER = r"\A(?:0|-?[1-9][0-9]{0,17})\z"
_PLAIN_DECIMAL = r"\A(?:0|[1-9][0-9]{0,15})\.[0-9]{4}\z"
"""As a ``decimal(20,4)`` is written."""

STANDING: dict[str, Condition] = {
    **SOUND,
    "text": is_clean,
    "name": is_plain_name,
    "address": lambda raw: raw.rlike(_PLAIN_ADDRESS),
    "date": is_everyday,
    "phone": lambda raw: raw.rlike(_PLAIN_PHONE),
    "integer": lambda raw: raw.rlike(_PLAIN_INTEGER),
    "decimal": lambda raw: raw.rlike(_PLAIN_DECIMAL),
}
"""Standard → its condition; a standard without any is always judged in steps."""


def standing_of(item: Item) -> Condition | None:
    """Return the condition for the values of ``item``, or nothing where only its rule can tell.

    Where a code must be in force on some day, one that has retired is left to the rule.
    """
    if item.of is not None or (item.valid_on is not None and item.standard != "code"):
        return None
    if item.standard != "code":
        return STANDING.get(item.standard)
    codes = load_code_list(str(item.code_list))
    standing = codes.canonical_codes - (codes.retired.keys() if item.valid_on else frozenset())
    return lambda raw: raw.isin(*sorted(standing))
