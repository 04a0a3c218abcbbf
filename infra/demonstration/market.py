"""市场监管 (market regulation): enterprises, individual businesses, legal representatives as live tables.

Rows carry ``updated_at``; a deletion leaves nothing behind. Each later day also brings two late rows per register: one
stamped exactly with the newest instant of the day before, one that a long transaction committed late with an instant
shortly before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd

from infra.demonstration import corruptions as corrupt
from infra.demonstration.answer_key import Planter
from infra.demonstration.business_day import DAY_US, BusinessDay
from infra.demonstration.entities import draw_enterprises, draw_shops, representatives_of
from infra.demonstration.identifiers import IntArray
from infra.demonstration.persons import usable
from infra.demonstration.places import draw_addresses
from infra.demonstration.sizes import CHANGED, DELETED, ENTERPRISES, INDIVIDUAL_BUSINESSES, NEW, Sizes

COLUMNS = {
    "enterprise": [
        "record_no", "uscc", "name", "registration_no", "kind_code", "capital_amount", "currency_code",
        "established_date", "industry_code", "division_code", "address", "status_code",
        "legal_representative_name", "updated_at",
    ],
    "individual_business": [
        "record_no", "uscc", "name", "operator_name", "operator_citizen_id", "established_date",
        "division_code", "address", "status_code", "updated_at",
    ],
    "legal_representative": [
        "record_no", "uscc", "representative_name", "representative_citizen_id", "appointed_date", "updated_at",
    ],
}  # fmt: skip
_CORRUPTIONS = {
    "enterprise": {
        "uscc_check_digit": corrupt.wrong_uscc_check("uscc"),
        "impossible_date": corrupt.impossible_date("established_date"),
        "unknown_division": corrupt.unknown_division("division_code"),
    },
    "individual_business": {
        "uscc_check_digit": corrupt.wrong_uscc_check("uscc"),
        "citizen_id_15_digits": corrupt.old_citizen_number("operator_citizen_id"),
    },
    "legal_representative": {
        "citizen_id_check_digit": corrupt.wrong_citizen_check("representative_citizen_id"),
    },
}
_FULL = {"enterprise": ENTERPRISES, "individual_business": INDIVIDUAL_BUSINESSES}
_COMMITTED_LATE_US = 3 * 60 * 1_000_000
_LATE = 2


@dataclass(frozen=True)
class TableChange:
    """What one day does to one table: rows written (new or changed) and record numbers gone."""

    written: pd.DataFrame
    inserted: int
    deleted: list[int] = field(default_factory=list)


@dataclass
class Market:
    """Every firm, as of the last day made."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    next_record: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 1))
    newest_us: dict[str, int] = field(default_factory=dict)

    def start(
        self, rng: np.random.Generator, sizes: Sizes, day: BusinessDay, planter: Planter, people: pd.DataFrame
    ) -> dict[str, TableChange]:
        """Make every firm, its instants of change spread over two years; grown-up ``people`` own and run them."""
        fresh = self._draw(rng, day, planter, people, sizes.rows(ENTERPRISES), sizes.rows(INDIVIDUAL_BUSINESSES))
        for table in fresh.values():
            age = (rng.random(len(table)) * 700).astype(np.int64) * DAY_US
            table["updated_us"] = day.instants(rng, len(table)) - age
        self.tables = fresh
        return {name: self._change(name, table, len(table)) for name, table in fresh.items()}

    def advance(
        self, rng: np.random.Generator, sizes: Sizes, day: BusinessDay, planter: Planter, people: pd.DataFrame
    ) -> dict[str, TableChange]:
        """Change every table by one day and return what changed."""
        firms, shops = sizes.rows(ENTERPRISES, NEW), sizes.rows(INDIVIDUAL_BUSINESSES, NEW)
        planted = {name: sum(sizes.faults(f"legal_entity.{name}").values()) for name in COLUMNS}
        firms += planted["enterprise"] + planted["legal_representative"]
        fresh = self._draw(rng, day, planter, people, firms, shops + planted["individual_business"])
        changes = {name: (table, *self._move(rng, sizes, planter, name)) for name, table in fresh.items()}
        enterprises, representatives = self.tables["enterprise"], self.tables["legal_representative"]
        _, changed, gone = changes["enterprise"]
        replaced = self._replace_representatives(rng, day, people, changed[_LATE:])
        orphaned = representatives.index[representatives["uscc"].isin(enterprises.loc[gone, "uscc"])].to_numpy()
        changes["legal_representative"] = (fresh["legal_representative"], replaced, orphaned)
        return {name: self._apply(rng, day, name, *change) for name, change in changes.items()}

    def _move(self, rng: np.random.Generator, sizes: Sizes, planter: Planter, name: str) -> tuple[IntArray, IntArray]:
        """Change some addresses, the first ``_LATE`` of them in late rows; return changed and deleted rows."""
        old = self.tables[name]
        if name not in _FULL:
            return old.index[:0].to_numpy(), old.index[:0].to_numpy()
        gone = _choose(rng, old, ~old["used"] & ~old["licensable"], sizes.rows(_FULL[name], DELETED))
        staying = ~old["record_no"].isin(old.loc[gone, "record_no"])
        changed = _choose(rng, old, staying, sizes.rows(_FULL[name], CHANGED, _LATE + 2))
        changed = changed[np.argsort(old.loc[changed, "updated_us"].to_numpy(), kind="stable")]
        for record in old.loc[changed[:_LATE], "record_no"]:
            planter.note("late_row", f"legal_entity.{name}", name, record)
        old.loc[changed, "address"] = draw_addresses(rng, old.loc[changed, "division_code"].to_numpy())
        return changed, gone

    def _replace_representatives(
        self, rng: np.random.Generator, day: BusinessDay, people: pd.DataFrame, changed: IntArray
    ) -> IntArray:
        """Give every second of the ``changed`` enterprises another representative; return the rows of these."""
        enterprises, representatives = self.tables["enterprise"], self.tables["legal_representative"]
        codes = enterprises.loc[changed[::2], "uscc"]
        labels = representatives.index[
            representatives["uscc"].isin(codes) & (representatives["fault"] == "")
        ].to_numpy()
        successors = people.iloc[rng.choice(np.flatnonzero(usable(people)), len(labels))]
        people.loc[successors.index, "used"] = True
        representatives.loc[labels, "representative_name"] = successors["name"].to_numpy()
        representatives.loc[labels, "representative_citizen_id"] = successors["citizen_id"].to_numpy()
        representatives.loc[labels, "appointed_date"] = (day.date - timedelta(days=1)).isoformat()
        names = dict(zip(representatives.loc[labels, "uscc"], successors["name"], strict=True))
        firms = enterprises.index[enterprises["uscc"].isin(names)]
        enterprises.loc[firms, "legal_representative_name"] = enterprises.loc[firms, "uscc"].map(names)
        return labels

    def _draw(
        self,
        rng: np.random.Generator,
        day: BusinessDay,
        planter: Planter,
        people: pd.DataFrame,
        firms: int,
        shops: int,
    ) -> dict[str, pd.DataFrame]:
        """Return new rows of the three tables with today's faults planted."""
        adults = np.flatnonzero(usable(people))
        owners = people.iloc[rng.choice(adults, firms)]
        operators = people.iloc[rng.choice(adults, shops, replace=shops > len(adults))]
        people.loc[owners.index.union(operators.index), "used"] = True
        enterprises = draw_enterprises(rng, owners, self._take("enterprise", firms), day.date)
        representatives = representatives_of(enterprises, owners, 1)
        businesses = draw_shops(rng, operators, self._take("individual_business", shops), day.date)
        fresh = {"enterprise": enterprises, "individual_business": businesses}
        for name, table in fresh.items():
            _plant(planter, name, table)
        harmed = enterprises["fault"].to_numpy() == "uscc_check_digit"
        representatives = representatives[~harmed].reset_index(drop=True)
        first = self._take("legal_representative", len(representatives))
        representatives["record_no"] = np.arange(first, first + len(representatives))
        _plant(planter, "legal_representative", representatives)
        return {**fresh, "legal_representative": representatives}

    def _take(self, name: str, count: int) -> int:
        first = self.next_record[name]
        self.next_record[name] += count
        return first

    def _apply(
        self,
        rng: np.random.Generator,
        day: BusinessDay,
        name: str,
        fresh: pd.DataFrame,
        changed: IntArray,
        gone: IntArray,
    ) -> TableChange:
        old = self.tables[name]
        fresh["updated_us"] = day.instants(rng, len(fresh))
        old.loc[changed, "updated_us"] = day.instants(rng, len(changed))
        if name in _FULL:
            old.loc[changed[0], "updated_us"] = self.newest_us[name]
            old.loc[changed[1], "updated_us"] = self.newest_us[name] - _COMMITTED_LATE_US
        written = pd.concat([old.loc[changed], fresh], ignore_index=True)
        deleted = [int(number) for number in old.loc[gone, "record_no"]]
        self.tables[name] = pd.concat([old.drop(index=list(gone)), fresh], ignore_index=True)
        return self._change(name, written, len(fresh), deleted)

    def _change(self, name: str, written: pd.DataFrame, inserted: int, deleted: list[int] | None = None) -> TableChange:
        self.newest_us[name] = max(self.newest_us.get(name, 0), int(written["updated_us"].max()))
        instants = pd.to_datetime(written["updated_us"], unit="us", utc=True)
        return TableChange(written.assign(updated_at=instants)[COLUMNS[name]], inserted, deleted or [])


def _plant(planter: Planter, name: str, table: pd.DataFrame) -> None:
    among = {"": np.ones(len(table), dtype=bool)}
    if "is_old" in table:
        among["citizen_id_15_digits"] = table["is_old"].to_numpy()
    planter.plant(
        table,
        _CORRUPTIONS[name],
        resource=f"legal_entity.{name}",
        dataset=name,
        key="record_no",
        among=among,
    )


def _choose(rng: np.random.Generator, table: pd.DataFrame, fit: pd.Series[bool], count: int) -> IntArray:
    """Return labels of ``count`` rows among ``fit`` with nothing planted."""
    chosen = rng.choice(np.flatnonzero(fit & (table["fault"] == "")), count, replace=False)
    labels: IntArray = table.index[chosen].to_numpy()
    return labels
