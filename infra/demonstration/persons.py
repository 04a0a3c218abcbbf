"""Invented persons (虚构自然人), valid by every rule until a fault is planted."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from infra.demonstration.identifiers import IntArray, TextArray, citizen_ids
from infra.demonstration.names import draw_person_names, fits_gbk
from infra.demonstration.places import draw_addresses, load_places

_BIRTH_STYLES = ("{y}{m:02}{d:02}", "{y}-{m:02}-{d:02}", "{y}年{m}月{d}日", "{y}/{m}/{d}", "{y}.{m:02}.{d:02}")
_ETHNIC_GROUPS = np.array([f"{number:02}" for number in range(1, 57)], dtype=object)
_ETHNIC_SHARES = np.array([0.9] + [0.1 / 55] * 55)
MOBILE_PREFIX = "100"
"""No operator has it, so nobody's telephone rings."""


def draw_people(rng: np.random.Generator, count: int, first_record: int, taken: set[str], today: date) -> pd.DataFrame:
    """Return ``count`` persons with numbers of their own, each living alone for now.

    Args:
        rng: source of chance.
        count: how many.
        first_record: record number of the first.
        taken: citizen numbers in use; the new ones are added.
        today: nobody is born after a month before it.
    """
    birth = np.datetime64(today, "D") - rng.integers(30, 95 * 365, count)
    years = birth.astype("datetime64[Y]").astype(int) + 1970
    origins = load_places().draw_origins(rng, years)
    numbers = _distinct_numbers(rng, origins, _yyyymmdd(birth), taken)
    names = draw_person_names(rng, count)
    divisions = load_places().draw_current(rng, count)
    return pd.DataFrame(
        {
            "record_no": np.arange(first_record, first_record + count),
            "citizen_id": numbers,
            "name": names,
            "sex_code": np.array(["1" if int(n[16]) % 2 else "2" for n in numbers], dtype=object),
            "birth_date": _write_dates(rng, birth),
            "ethnic_group_code": rng.choice(_ETHNIC_GROUPS, count, p=_ETHNIC_SHARES),
            "division_code": divisions,
            "household_no": 0,
            "address": draw_addresses(rng, divisions),
            "phone": draw_phones(rng, count),
            "status": "1",
            "is_adult": birth < np.datetime64(today, "D") - 18 * 366,
            "is_old": years < 2000,
            "is_head": False,
            "in_gbk": np.array([fits_gbk(name) for name in names]),
            "fault": "",
            "live": True,
            "used": False,
            "reserved": False,
        }
    )


def draw_phones(rng: np.random.Generator, count: int) -> TextArray:
    """Return mobile numbers of a prefix that no operator has."""
    return np.array([f"{MOBILE_PREFIX}{n:08}" for n in rng.integers(0, 10**8, count).tolist()], dtype=object)


def _yyyymmdd(days: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> IntArray:
    return np.array([int(text.replace("-", "")) for text in np.datetime_as_string(days)])


def _distinct_numbers(rng: np.random.Generator, origins: IntArray, birth_ymd: IntArray, taken: set[str]) -> TextArray:
    """Return citizen numbers that are neither among ``taken`` nor repeated; add them to it."""
    numbers = citizen_ids(origins, birth_ymd, rng.integers(1, 1000, len(origins)))
    while True:
        series = pd.Series(numbers)
        again = np.flatnonzero(series.duplicated().to_numpy() | series.isin(taken).to_numpy())
        if not len(again):
            taken.update(numbers)
            return numbers
        numbers[again] = citizen_ids(origins[again], birth_ymd[again], rng.integers(1, 1000, len(again)))


def _write_dates(rng: np.random.Generator, days: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> TextArray:
    """Return dates in the five spellings that department systems mix."""
    styles = rng.choice(len(_BIRTH_STYLES), len(days), p=[0.5, 0.2, 0.1, 0.1, 0.1])
    parts = (text.split("-") for text in np.datetime_as_string(days))
    lines = zip(styles, parts, strict=True)
    return np.array([_BIRTH_STYLES[s].format(y=y, m=int(m), d=int(d)) for s, (y, m, d) in lines], dtype=object)


def usable(people: pd.DataFrame) -> TextArray:
    """Return the mask of persons that other departments may refer to: living, grown up, nothing planted."""
    return (people["live"] & people["is_adult"] & (people["fault"] == "") & ~people["reserved"]).to_numpy()
