"""Invented firms (虚构市场主体), valid by every rule until a fault is planted."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

from catalog.model.codes import load_code_list
from infra.demonstration.business_day import iso_dates
from infra.demonstration.identifiers import IntArray, TextArray, registration_numbers, unified_codes
from infra.demonstration.names import draw_firm_names, draw_shop_names, fits_gbk
from infra.demonstration.places import draw_addresses, load_places

_SPREAD = 7_368_787
"""Coprime to 31: makes serials look scattered while every one stays distinct."""
_CURRENCIES = np.array(["CNY", "USD", "EUR", "HKD", "JPY"], dtype=object)
LICENSABLE_SHARE = 0.87
"""Firms that may ever hold a licence; the others can be deleted without leaving a licence orphaned."""


def scatter(first: int, count: int) -> IntArray:
    """Return ``count`` distinct serials below 31**6, for record numbers from ``first``."""
    return np.arange(first, first + count) * _SPREAD % 31**6


def draw_enterprises(rng: np.random.Generator, owners: pd.DataFrame, first_record: int, today: date) -> pd.DataFrame:
    """Return one enterprise (企业) for each owner."""
    count = len(owners)
    divisions = load_places().draw_current(rng, count)
    names = draw_firm_names(rng, count, first_record)
    established = _draw_days(rng, count, today)
    old_numbers = registration_numbers(divisions.astype(int), np.arange(first_record, first_record + count))
    return pd.DataFrame(
        {
            "record_no": np.arange(first_record, first_record + count),
            "uscc": unified_codes("91", divisions.astype(int), scatter(first_record, count)),
            "name": names,
            "registration_no": pd.Series(old_numbers, dtype=object).where(rng.random(count) < 0.4, None),
            "kind_code": rng.choice(_canonical("enterprise_kind"), count),
            "capital_amount": rng.integers(1, 10**7, count) / 100 * 1000,
            "currency_code": rng.choice(_CURRENCIES, count, p=[0.96, 0.01, 0.01, 0.01, 0.01]),
            "established_date": iso_dates(established),
            "industry_code": rng.choice(_canonical("industry", 2), count),
            "division_code": divisions,
            "address": draw_addresses(rng, divisions),
            "status_code": "1",
            "legal_representative_name": owners["name"].to_numpy(),
            "established": established,
            **_flags(rng, names),
        }
    )


def draw_shops(rng: np.random.Generator, operators: pd.DataFrame, first_record: int, today: date) -> pd.DataFrame:
    """Return one individual business (个体工商户) for each operator."""
    count = len(operators)
    divisions = load_places().draw_current(rng, count)
    names = draw_shop_names(rng, operators["name"].to_numpy(), first_record)
    return pd.DataFrame(
        {
            "record_no": np.arange(first_record, first_record + count),
            "uscc": unified_codes("92", divisions.astype(int), scatter(first_record, count), lead="MB"),
            "name": names,
            "operator_name": operators["name"].to_numpy(),
            "operator_citizen_id": operators["citizen_id"].to_numpy(),
            "established_date": iso_dates(_draw_days(rng, count, today)),
            "division_code": divisions,
            "address": draw_addresses(rng, divisions),
            "status_code": "1",
            "is_old": operators["is_old"].to_numpy(),
            **_flags(rng, names),
        }
    )


def representatives_of(enterprises: pd.DataFrame, owners: pd.DataFrame, first_record: int) -> pd.DataFrame:
    """Return the legal representative (法定代表人) of each enterprise: its owner, from the first day on."""
    return pd.DataFrame(
        {
            "record_no": np.arange(first_record, first_record + len(enterprises)),
            "uscc": enterprises["uscc"].to_numpy(),
            "representative_name": owners["name"].to_numpy(),
            "representative_citizen_id": owners["citizen_id"].to_numpy(),
            "appointed_date": iso_dates(enterprises["established"].to_numpy()),
            "fault": "",
        }
    )


def _flags(rng: np.random.Generator, names: TextArray) -> dict[str, object]:
    return {
        "in_gbk": np.array([fits_gbk(name) for name in names]),
        "licensable": rng.random(len(names)) < LICENSABLE_SHARE,
        "used": False,
        "fault": "",
    }


def _draw_days(rng: np.random.Generator, count: int, today: date) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Return dates of the 25 years before the last two months."""
    return np.datetime64(today, "D") - rng.integers(60, 25 * 365, count)


@lru_cache
def _canonical(code_list: str, length: int | None = None) -> TextArray:
    """Return the canonical codes of a list, of one length if asked."""
    codes = sorted(load_code_list(code_list).canonical_codes)
    return np.array([code for code in codes if length in (None, len(code))], dtype=object)
