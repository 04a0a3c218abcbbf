"""What a planted fault does to a row (植入差错): each function makes exactly one thing wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from catalog.model.ids.uscc import ALPHABET
from infra.demonstration.answer_key import Corruption
from infra.demonstration.identifiers import with_wrong_check
from infra.demonstration.names import draw_other_name
from infra.demonstration.places import UNKNOWN_DIVISIONS

_IMPOSSIBLE_ENDS = ("0230", "0431", "1131", "0631")


def wrong_citizen_check(column: str) -> Corruption:
    """Return the fault: another check character in a citizen number."""
    return lambda _rng, row: {column: with_wrong_check(row[column], "0123456789X")}


def old_citizen_number(column: str) -> Corruption:
    """Return the fault: the 15-digit number used before 1999 (century and check left out)."""
    return lambda _rng, row: {column: row[column][:6] + row[column][8:17]}


def wrong_uscc_check(column: str) -> Corruption:
    """Return the fault: another check character in a unified social credit code."""
    return lambda _rng, row: {column: with_wrong_check(row[column], ALPHABET)}


def unknown_division(column: str) -> Corruption:
    """Return the fault: six digits that no edition of GB/T 2260 has."""
    return lambda rng, _row: {column: str(rng.choice(UNKNOWN_DIVISIONS))}


def impossible_date(column: str, separator: str = "-") -> Corruption:
    """Return the fault: a day that no calendar has, such as the 30th of February, in the year that was true."""

    def corrupt(rng: np.random.Generator, row: pd.Series[Any]) -> dict[str, Any]:
        end = str(rng.choice(_IMPOSSIBLE_ENDS))
        return {column: separator.join((str(row[column])[:4], end[:2], end[2:]))}

    return corrupt


def contradicting_sex(column: str) -> Corruption:
    """Return the fault: the other sex than the citizen number's 17th digit says."""
    return lambda _rng, row: {column: "2" if row[column] == "1" else "1"}


def other_name(column: str) -> Corruption:
    """Return the fault: a name that is plainly another one."""
    return lambda rng, row: {column: draw_other_name(rng, row[column])}
