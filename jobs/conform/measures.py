"""What a batch looks like (批次度量): empty cells and categories of sound rows, in the aggregate that counts them."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from catalog.control.measures import Measure
from catalog.model.codes import load_code_list
from catalog.model.contract import Contract

MOST_CODES = 20
"""Codes of a list up to which the mix of its column is measured; longer lists are no categories."""


def measures_of(contract: Contract) -> dict[str, tuple[str, str, str, Column]]:
    """Return alias → measure, column, category and the aggregate over judged rows that counts it."""
    found = [("rows", "", "", F.count(F.lit(1)))]
    for column in contract.columns:
        found.append(("nulls", column, "", F.count_if(F.col(column).isNull())))
        name = contract.code_list_of(column)
        known = sorted(load_code_list(name).canonical_codes) if name else []
        if len(known) <= MOST_CODES:
            found += [("category", column, code, F.count_if(F.col(column) == code)) for code in known]
    return {f"m{place}": each for place, each in enumerate(found)}


def read_measures(contract: Contract, groups: Iterable[Row]) -> list[Measure]:
    """Return the measures in aggregated ``groups`` of one batch each."""
    return [
        Measure(row["_batch_id"], measure, column, category, row[alias])
        for row in groups
        for alias, (measure, column, category, _) in measures_of(contract).items()
    ]
