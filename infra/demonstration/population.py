"""公安 (public security): residents and households as exchange front-end feeds.

World rule: a person with a planted fault is nobody's holder, representative, operator, employee or head of household,
so that each fault shows in exactly one place. Late rows at the end of a feed stand and are in the answer key, whatever
times they state; those that the feed overtakes further on are not, since nothing of them may show.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from infra.demonstration import corruptions as corrupt
from infra.demonstration.answer_key import Planter
from infra.demonstration.business_day import DAY_US, BusinessDay
from infra.demonstration.households import (
    HOUSEHOLD_COLUMNS,
    count_members,
    found_households,
    join_households,
    single_heads,
)
from infra.demonstration.identifiers import IntArray, TextArray
from infra.demonstration.names import spell_otherwise
from infra.demonstration.persons import draw_people, draw_phones
from infra.demonstration.sizes import CHANGED, DELETED, LATE, NEW, PEOPLE, Sizes

RESIDENT_COLUMNS = [
    "record_no", "citizen_id", "name", "sex_code", "birth_date", "ethnic_group_code",
    "division_code", "household_no", "address", "phone", "status",
]  # fmt: skip
_RESOURCE, _DATASET = "population.resident", "resident_feed"
_CORRUPTIONS = {
    "citizen_id_check_digit": corrupt.wrong_citizen_check("citizen_id"),
    "citizen_id_15_digits": corrupt.old_citizen_number("citizen_id"),
    "impossible_date": corrupt.impossible_date("birth_date"),
    "unknown_division": corrupt.unknown_division("division_code"),
    "sex_contradicts_number": corrupt.contradicting_sex("sex_code"),
}


@dataclass(frozen=True)
class PopulationFeeds:
    """The rows that one day appends."""

    residents: pd.DataFrame
    households: pd.DataFrame


@dataclass
class Population:
    """Everybody that 公安 knows, as of the last day made."""

    people: pd.DataFrame = field(default_factory=pd.DataFrame)
    households: pd.DataFrame = field(default_factory=pd.DataFrame)
    taken: set[str] = field(default_factory=set)
    next_record: int = 1
    next_household: int = 1

    def start(self, rng: np.random.Generator, sizes: Sizes, day: BusinessDay, planter: Planter) -> PopulationFeeds:
        """Make everybody; return the first feeds: insertions, a few corrections, a few deletions."""
        count, gone = sizes.rows(PEOPLE), sizes.rows(PEOPLE, 0.002, 2)
        people = self._draw(rng, count + gone, day)
        people.loc[people.index[count:], "live"] = False
        adults = np.flatnonzero(people["live"] & people["is_adult"])
        self._found(people, rng.choice(adults, sizes.rows(PEOPLE, 1 / 3), replace=False))
        join_households(rng, people, self.households)
        _plant(planter, people, (people["live"] & ~people["is_head"]).to_numpy())
        corrected = _choose(rng, people, people["live"], sizes.rows(PEOPLE, 0.01, 3))
        doubles = self._plant_duplicates(planter, people)
        self.people = pd.concat([people, doubles], ignore_index=True)
        self.people["changed_us"] = day.opening
        count_members(self.people, self.households)
        first = people.copy()
        first.loc[corrected, "phone"] = draw_phones(rng, len(corrected))
        morning, afternoon = (8, 14), (14, 20)
        residents = [
            _events(first, "I", day.instants(rng, len(first), morning)),
            _events(doubles, "I", day.instants(rng, len(doubles), afternoon)),
            _events(people.loc[corrected], "U", day.instants(rng, len(corrected), afternoon)),
            _events(people[~people["live"]], "D", day.instants(rng, gone, afternoon)),
        ]
        households = _events(self.households, "I", day.instants(rng, len(self.households)))
        return PopulationFeeds(_in_order(residents), _in_order([households]))

    def advance(self, rng: np.random.Generator, sizes: Sizes, day: BusinessDay, planter: Planter) -> PopulationFeeds:
        """Change everything by one day and return that day's feeds, late rows last."""
        late = sizes.rows(PEOPLE, LATE / 3)
        new = sizes.rows(PEOPLE, NEW)
        fresh = self._draw(rng, late + new + sum(sizes.faults(_RESOURCE).values()), day)
        on_time = np.arange(len(fresh)) >= late
        founders = np.flatnonzero(on_time & fresh["is_adult"])[: max(1, new // 4)]
        old, known = self.people, self.households
        founded = self._found(fresh, founders)
        join_households(rng, fresh, known)
        _plant(planter, fresh, on_time & ~fresh["is_head"].to_numpy())
        doubles = self._plant_duplicates(planter, old)
        alone = np.setdiff1d(single_heads(old, known), old.index[old["household_no"].isin(fresh["household_no"])])
        alone = alone[: max(1, new // 20)]
        others = _choose(rng, old, ~old["used"], sizes.rows(PEOPLE, DELETED))
        deleted = np.union1d(others, alone)
        old.loc[deleted, "live"] = False
        changed = _choose(rng, old, old["live"], sizes.rows(PEOPLE, CHANGED))
        unmoved = old["live"] & ~old["record_no"].isin(old.loc[changed, "record_no"])
        late_changed, turned_back = np.split(_choose(rng, old, unmoved, 2 * late), 2)
        overtaken = _overtaken_rows(rng, day, old.loc[changed[:late]])
        touched = np.union1d(changed, np.union1d(late_changed, turned_back))
        old.loc[touched, "phone"] = draw_phones(rng, len(touched))
        late_rows = _late_rows(rng, day, fresh[~on_time], old.loc[late_changed], old.loc[turned_back])
        for record, time in late_rows[["record_no", "cd_time"]].itertuples(index=False):
            planter.note("late_row", _RESOURCE, _DATASET, record, cd_time=time.isoformat())
        residents = [
            _events(fresh[on_time], "I", day.instants(rng, int(on_time.sum()))),
            _events(doubles, "I", day.instants(rng, len(doubles))),
            _events(old.loc[changed], "U", day.instants(rng, len(changed))),
            _events(old.loc[deleted], "D", day.instants(rng, len(deleted))),
        ]
        old.loc[changed, "changed_us"] = day.opening
        self.people = pd.concat([old, fresh.assign(changed_us=day.opening), doubles.assign(changed_us=day.opening)])
        self.people.reset_index(drop=True, inplace=True)
        moved = pd.concat([fresh["household_no"], old.loc[deleted, "household_no"]])
        emptied = old.loc[alone, "household_no"]
        household_feed = self._household_events(rng, day, moved, founded["household_no"], emptied)
        feed = pd.concat([overtaken, _in_order(residents), late_rows], ignore_index=True)
        return PopulationFeeds(feed, household_feed)

    def _draw(self, rng: np.random.Generator, count: int, day: BusinessDay) -> pd.DataFrame:
        people = draw_people(rng, count, self.next_record, self.taken, day.date)
        self.next_record += count
        return people

    def _found(self, people: pd.DataFrame, heads: IntArray) -> pd.DataFrame:
        founded = found_households(people, heads, self.next_household)
        self.next_household += len(founded)
        self.households = pd.concat([self.households, founded], ignore_index=True)
        return founded

    def _household_events(
        self,
        rng: np.random.Generator,
        day: BusinessDay,
        moved: pd.Series[int],
        founded: pd.Series[int],
        emptied: pd.Series[int],
    ) -> pd.DataFrame:
        """Return the feed of households that came, grew, shrank or ended; the ended ones leave the list."""
        count_members(self.people, self.households)
        number = self.households["household_no"]
        kinds = {
            "I": number.isin(founded),
            "D": number.isin(emptied),
            "U": number.isin(moved) & ~number.isin(founded) & ~number.isin(emptied),
        }
        events = [
            _events(self.households[mask], operation, day.instants(rng, int(mask.sum())))
            for operation, mask in kinds.items()
        ]
        self.households = self.households[~kinds["D"]].reset_index(drop=True)
        return _in_order(events)

    def _plant_duplicates(self, planter: Planter, people: pd.DataFrame) -> pd.DataFrame:
        """Record some persons a second time under another spelling; the first record stays unharmed."""
        count = planter.sizes.faults(_RESOURCE)["duplicate_person"]
        originals = _choose(planter.rng, people, ~people["used"], count)
        people.loc[originals, "reserved"] = True
        doubles = people.loc[originals].copy()
        first_records = doubles["record_no"].to_numpy()
        doubles["record_no"] = np.arange(self.next_record, self.next_record + count)
        self.next_record += count
        doubles["name"] = [spell_otherwise(planter.rng, name) for name in doubles["name"]]
        doubles["fault"] = "duplicate_person"
        for number, first, name in zip(doubles["record_no"], first_records, doubles["name"], strict=True):
            planter.note("duplicate_person", _RESOURCE, _DATASET, number, first_record=int(first), name=name)
        return doubles


def _plant(planter: Planter, people: pd.DataFrame, free: TextArray) -> None:
    among = {"": free, "citizen_id_15_digits": free & people["is_old"].to_numpy()}
    planter.plant(people, _CORRUPTIONS, resource=_RESOURCE, dataset=_DATASET, key="record_no", among=among)


def _choose(rng: np.random.Generator, people: pd.DataFrame, fit: pd.Series[bool], count: int) -> pd.Index[Any]:
    """Return labels of ``count`` living persons among ``fit`` who are no heads and have nothing planted."""
    mask = fit & people["live"] & ~people["is_head"] & (people["fault"] == "") & ~people["reserved"]
    chosen = rng.choice(np.flatnonzero(mask), count, replace=False)
    return people.index[np.sort(chosen)]


def _late_rows(
    rng: np.random.Generator, day: BusinessDay, new: pd.DataFrame, changed: pd.DataFrame, turned_back: pd.DataFrame
) -> pd.DataFrame:
    """Return the last rows of the feed, which should have come before: they stand, since a feed's cursor is its order.

    Those of ``turned_back`` state a time before that of the version which they replace.
    """
    rows = [
        _events(new, "I", day.instants(rng, len(new), days_before=4)),
        _events(changed, "U", day.instants(rng, len(changed), (21, 23), days_before=2)),
        _events(turned_back, "U", turned_back["changed_us"].to_numpy() - 2 * DAY_US),
    ]
    return pd.concat(rows, ignore_index=True)


def _overtaken_rows(rng: np.random.Generator, day: BusinessDay, changed: pd.DataFrame) -> pd.DataFrame:
    """Return late changes that the same feed overtakes further on, so that nothing of them may show."""
    stale = changed.assign(phone=draw_phones(rng, len(changed)))
    return _events(stale, "U", day.instants(rng, len(stale), (21, 23), days_before=2))


def _events(rows: pd.DataFrame, operation: str, microseconds: IntArray) -> pd.DataFrame:
    """Return ``rows`` as feed rows of one operation."""
    columns = RESIDENT_COLUMNS if "record_no" in rows else HOUSEHOLD_COLUMNS
    instants = pd.to_datetime(microseconds, unit="us", utc=True)
    return rows[columns].assign(cd_operation=operation, cd_time=instants)


def _in_order(events: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(events).sort_values("cd_time", kind="stable", ignore_index=True)
