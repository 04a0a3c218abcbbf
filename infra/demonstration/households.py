"""Households (户): who lives with whom, counted after every change."""

from __future__ import annotations

import numpy as np
import pandas as pd

from infra.demonstration.identifiers import IntArray

HOUSEHOLD_COLUMNS = ["household_no", "head_citizen_id", "division_code", "address", "member_count"]


def found_households(people: pd.DataFrame, heads: IntArray, first_number: int) -> pd.DataFrame:
    """Make the persons at positions ``heads`` heads of new households, and return these."""
    numbers = np.arange(first_number, first_number + len(heads))
    labels = people.index[heads]
    people.loc[labels, "is_head"] = True
    people.loc[labels, "household_no"] = numbers
    at = people.loc[labels]
    return pd.DataFrame(
        {
            "household_no": numbers,
            "head_citizen_id": at["citizen_id"].to_numpy(),
            "division_code": at["division_code"].to_numpy(),
            "address": at["address"].to_numpy(),
            "member_count": 1,
        }
    )


def join_households(rng: np.random.Generator, people: pd.DataFrame, households: pd.DataFrame) -> None:
    """Make everybody in ``people`` who is no head a member of one of ``households``, at its address."""
    joining = people.index[~people["is_head"]]
    chosen = rng.choice(len(households), len(joining))
    homes = households.iloc[chosen]
    for column in ("household_no", "division_code", "address"):
        people.loc[joining, column] = homes[column].to_numpy()


def count_members(people: pd.DataFrame, households: pd.DataFrame) -> None:
    """Count each household's living members; a person recorded twice counts once."""
    there = people[people["live"] & (people["fault"] != "duplicate_person")]
    counts = there["household_no"].value_counts()
    households["member_count"] = households["household_no"].map(counts).fillna(0).astype(int)


def single_heads(people: pd.DataFrame, households: pd.DataFrame) -> IntArray:
    """Return labels of heads who live alone and whom nobody refers to."""
    single = households.loc[households["member_count"] == 1, "household_no"]
    fit = people["live"] & people["is_head"] & ~people["used"] & people["household_no"].isin(single)
    return people.index[fit].to_numpy()
