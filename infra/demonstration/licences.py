"""药监、住建、交通: licences (电子证照) in daily file drops: everything on the first day, then what is new or changed.

A licence of a delivery that is a fault as a whole appears in no other file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from infra.demonstration import corruptions as corrupt
from infra.demonstration.answer_key import Corruption, Planter
from infra.demonstration.business_day import BusinessDay
from infra.demonstration.identifiers import IntArray, TextArray, citizen_ids, licence_ids, unified_codes
from infra.demonstration.licence_kinds import KINDS, LicenceKind
from infra.demonstration.persons import usable
from infra.demonstration.places import load_places
from infra.demonstration.sizes import CHANGED, FILE_FAULTS, LICENCES, NEW, Sizes


@dataclass(frozen=True)
class FileDelivery:
    """One file to drop, with its receipt."""

    kind: LicenceKind
    name: str
    rows: pd.DataFrame
    """Under the headers of the file, in the file's order of columns."""
    declared: int
    fault: str = ""
    copy_of: str = ""
    """Name of the file whose very bytes this one repeats."""


@dataclass
class Licences:
    """Every licence, as of the last day made, by kind."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    next_serial: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LICENCES, 1))
    held: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in LICENCES})
    """Holders' codes by kind: nobody gets a second licence of a kind while others have none."""

    def deliver(
        self,
        rng: np.random.Generator,
        sizes: Sizes,
        day: BusinessDay,
        planter: Planter,
        people: pd.DataFrame,
        firms: dict[str, pd.DataFrame],
    ) -> list[FileDelivery]:
        """Issue and change a day's licences, and return the files; holders get marked as used."""
        files = []
        for kind in KINDS:
            full = LICENCES[kind.name]
            count = sizes.rows(full) if sizes.day == 1 else sizes.rows(full, NEW)
            if sizes.day > 1:
                count += sum(sizes.faults(kind.resource).values())
            fresh = self._issue(rng, kind, count, day, people, firms)
            _plant(planter, kind, fresh, day)
            changed = self._change(rng, kind, fresh, sizes.rows(full, CHANGED) if sizes.day > 1 else 0)
            extra = self._issue(rng, kind, 3 * sizes.extra_file_rows, day, people, firms)
            files += _files(planter, kind, pd.concat([changed, fresh]), extra, day)
        return files

    def _issue(
        self,
        rng: np.random.Generator,
        kind: LicenceKind,
        count: int,
        day: BusinessDay,
        people: pd.DataFrame,
        firms: dict[str, pd.DataFrame],
    ) -> pd.DataFrame:
        """Return new licences of holders that the other departments know."""
        first = self.next_serial[kind.name]
        self.next_serial[kind.name] += count
        serials = day.date.year % 10000 * 10**7 + np.arange(first, first + count)
        holders = self._choose_holders(rng, kind, count, people, firms)
        issued = pd.Series(np.datetime64(day.date, "D") - rng.integers(30, 4 * 365, count))
        until = issued + pd.DateOffset(years=5) - pd.Timedelta(days=1)
        columns = {
            "licence_id": licence_ids(kind.type_code, kind.department.uscc, serials),
            "licence_type_code": kind.type_code,
            "licence_no": np.array([f"{kind.number_prefix}{serial}" for serial in serials], dtype=object),
            **holders,
            "issuer_name": kind.department.name,
            "issuer_uscc": kind.department.uscc,
            "issued_date": kind.write_dates(issued),
            "valid_from_date": kind.write_dates(issued, term=True),
            "valid_to_date": kind.write_dates(until, term=True),
            "status_code": kind.status_words["1"],
            "division_code": load_places().draw_current(rng, count),
            **kind.draw_faces(rng, count),
        }
        return pd.DataFrame(columns).assign(fault="")

    def _change(self, rng: np.random.Generator, kind: LicenceKind, fresh: pd.DataFrame, count: int) -> pd.DataFrame:
        """Change what ``count`` earlier licences allow, remember ``fresh`` ones, and return the changed."""
        known = self.tables.get(kind.name, fresh[:0])
        sound = np.flatnonzero(known["fault"] == "")
        labels = known.index[np.sort(rng.choice(sound, count, replace=False))] if count else known.index[:0]
        column = next(iter(kind.face_header))
        values = kind.draw_faces(rng, 50)[column]
        for label in labels:
            others = values[values != known.at[label, column]]
            known.at[label, column] = others[0]
        self.tables[kind.name] = pd.concat([known, fresh], ignore_index=True)
        return known.loc[labels]

    def _choose_holders(
        self,
        rng: np.random.Generator,
        kind: LicenceKind,
        count: int,
        people: pd.DataFrame,
        firms: dict[str, pd.DataFrame],
    ) -> dict[str, TextArray]:
        """Return names, codes and code kinds of holders, in random order; mark them as used."""
        enterprises, shops = round(count * kind.enterprise_share), round(count * kind.shop_share)
        wanted = [
            (firms["enterprise"], "uscc", "001", enterprises),
            (firms["individual_business"], "uscc", "001", shops),
            (people, "citizen_id", "111", count - enterprises - shops),
        ]
        parts = [self._pick(rng, kind, *choice) for choice in wanted]
        holders = pd.concat(parts, ignore_index=True).iloc[rng.permutation(count)]
        return {str(column): holders[column].to_numpy() for column in holders}

    def _pick(
        self, rng: np.random.Generator, kind: LicenceKind, table: pd.DataFrame, code: str, code_kind: str, count: int
    ) -> pd.DataFrame:
        """Return ``count`` holders from ``table``, newcomers to this kind while there are enough.

        Where the file's encoding can carry them, holders with rare characters in the name come first.
        """
        fit = usable(table) if code_kind == "111" else (table["licensable"] & (table["fault"] == "")).to_numpy()
        if kind.encoding == "gbk":
            fit = fit & table["in_gbk"].to_numpy()
        new = fit & ~table[code].isin(self.held[kind.name]).to_numpy()
        positions = np.flatnonzero(new if new.sum() >= count else fit)
        rare = (
            positions[~table["in_gbk"].to_numpy()[positions]][:count] if kind.encoding == "gb18030" else positions[:0]
        )
        rest = np.setdiff1d(positions, rare)
        others: IntArray = rng.choice(rest, count - len(rare), replace=count - len(rare) > len(rest))
        chosen = np.concatenate([rare, others])
        table.loc[table.index[chosen], "used"] = True
        rows = table.iloc[chosen]
        self.held[kind.name].update(rows[code])
        names, codes = rows["name"].to_numpy(), rows[code].to_numpy()
        return pd.DataFrame({"holder_name": names, "holder_code": codes, "holder_kind_code": code_kind})


def _plant(planter: Planter, kind: LicenceKind, fresh: pd.DataFrame, day: BusinessDay) -> None:
    def expire(rng: np.random.Generator, _row: pd.Series[Any]) -> dict[str, Any]:
        issued = pd.Series([pd.Timestamp(day.date) - pd.Timedelta(days=int(rng.integers(6 * 365, 10 * 365)))])
        until = issued + pd.DateOffset(years=5) - pd.Timedelta(days=1)
        return {
            "issued_date": kind.write_dates(issued)[0],
            "valid_from_date": kind.write_dates(issued, term=True)[0],
            "valid_to_date": kind.write_dates(until, term=True)[0],
        }

    def revoke(rng: np.random.Generator, _row: pd.Series[Any]) -> dict[str, Any]:
        return {"status_code": kind.status_words[str(rng.choice(["4", "5"]))]}

    def orphan(rng: np.random.Generator, row: pd.Series[Any]) -> dict[str, Any]:
        serial = rng.integers(0, 10**6, 1)
        if row["holder_kind_code"] == "111":
            return {"holder_code": str(citizen_ids(np.array([510121]), np.array([19011111]), serial % 999 + 1)[0])}
        division = np.array([int(row["division_code"])])
        return {"holder_code": str(unified_codes("91", division, serial + 1, lead="MX")[0])}

    def misdate(rng: np.random.Generator, _row: pd.Series[Any]) -> dict[str, Any]:
        month, days = rng.choice([(2, 30), (4, 31), (11, 31), (13, 1)])
        return {"issued_date": kind.date_style.format(y=day.date.year - 2, m=int(month), d=int(days))}

    corruptions: dict[str, Corruption] = {
        "licence_expired": expire,
        "licence_revoked": revoke,
        "holder_unknown": orphan,
        "impossible_date": misdate,
        "unknown_division": corrupt.unknown_division("division_code"),
    }
    planter.plant(
        fresh,
        corruptions,
        resource=kind.resource,
        dataset=kind.name,
        key="licence_id",
        among={"": np.ones(len(fresh), dtype=bool)},
    )


def _files(
    planter: Planter, kind: LicenceKind, main: pd.DataFrame, extra: pd.DataFrame, day: BusinessDay
) -> list[FileDelivery]:
    """Return the day's files: the main one, and on the first day one for each fault of a delivery."""
    header = kind.header
    stem = f"{kind.name}_{day.date:%Y%m%d}"
    suffix = kind.file_format

    def named(number: int) -> str:
        return f"{stem}_{number:02}.{suffix}"

    rows = main[list(header)].rename(columns=header)
    files = [FileDelivery(kind, named(1), rows, len(rows))]
    faults = FILE_FAULTS if day.day == 1 else (FILE_FAULTS[day.day % 3], "repeated_delivery")
    part = len(extra) // 3
    for fault in faults:
        number = FILE_FAULTS.index(fault) + 2
        at = FILE_FAULTS.index(fault) * part
        own = extra.iloc[at : at + part][list(header)].rename(columns=header)
        delivery = _faulty_delivery(kind, named(number), fault, own, files[0])
        files.append(delivery)
        detail = {"of": files[0].name} if fault == "repeated_delivery" else {"declared": delivery.declared}
        planter.note(fault, kind.resource, kind.name, delivery.name, rows=len(delivery.rows), **detail)
    return files


def _faulty_delivery(kind: LicenceKind, name: str, fault: str, own: pd.DataFrame, main: FileDelivery) -> FileDelivery:
    """Return the delivery that is one fault as a whole."""
    if fault == "repeated_delivery":
        return FileDelivery(kind, name, main.rows, main.declared, fault, copy_of=main.name)
    if fault == "reordered_header":
        half = len(own.columns) // 2
        own = own[[*own.columns[half:], *own.columns[:half]]]
    elif fault == "column_added":
        own = own.assign(备注="无")
    declared = len(own) + max(3, len(own) // 10) if fault == "short_delivery" else len(own)
    return FileDelivery(kind, name, own, declared, fault)
