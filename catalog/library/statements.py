"""Statements (来源陈述) as they stand in the lake: what each source said about an entity, and when.

A row of ``ops.statement__…`` is a version of one source's record. Two times go with it: recorded time (入库时间, the
business date of the run that took it in) and valid time (生效时间, when the source says that it came to be so).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from catalog.model.contract import Contract
from catalog.model.errors import GuantongError
from catalog.model.layers import statement_of

BEIJING = timezone(timedelta(hours=8))
_NOT_PLAIN = ("said", "linked_by", "sequence")


class NoStatementsError(GuantongError):
    """A base library has no statements yet, or an entity is not in it."""

    code = "STATEMENTS_MISSING"


@dataclass(frozen=True)
class Said:
    """One value as a source gave it."""

    value: str
    """In its standard form."""
    original: str
    """As the source wrote it."""
    rule: str | None
    """What brought the one into the other; None where they are the same."""


@dataclass(frozen=True)
class Linked:
    """How a record without the national key was found to be the entity's (关联方式)."""

    method: str
    """``person``, ``key``, ``organisation_code``, ``registration_no``, ``model`` or ``new`` (unlike all known)."""
    model: str | None
    """Version of the model, where it linked."""
    weight: float | None
    """Evidence in bits, where the model linked."""
    linked_to: str | None
    """The record it was linked to, ``<resource>|<record key>``."""
    merged_from: str | None
    """The entity it was found to be, where that has been merged into the one it speaks for."""


@dataclass(frozen=True)
class Version:
    """One version of one source's record about an entity."""

    entity_id: str
    entity_key: str
    source: str
    input_version: int
    recorded_on: date
    recorded_at: datetime
    source_at: datetime | None
    is_withdrawn: bool
    batch_id: str
    record_key: str
    source_file: str | None
    row_number: int | None
    said: Mapping[str, Said]
    linked_by: Linked | None = None
    """None where the source states the national key itself."""
    sequence: int | None = None
    """Always rises from run to run, also when the source's table was made anew and counts its versions from 0 again;
    None in rows written before it was kept, which are before all others."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Version:
        """Return the version that a row of the table is."""
        said = {
            entry["element"]: Said(entry["value"], entry["original"] or entry["value"], entry["rule"])
            for entry in row["statements"] or []
        }
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name not in _NOT_PLAIN}
        for instant in ("recorded_at", "source_at"):
            plain[instant] = _zoned(plain[instant])
        linked_by = Linked(**row["linked_by"]) if row.get("linked_by") else None
        return cls(**plain, said=said, linked_by=linked_by, sequence=row.get("sequence"))

    @property
    def place(self) -> tuple[int, int, bool]:
        """What puts the versions of one source in order: by run, then by version of its table.

        One commit may withdraw a record and bring another of the entity; then the latter stands.
        """
        return (-1 if self.sequence is None else self.sequence, self.input_version, not self.is_withdrawn)

    @property
    def valid_from(self) -> date | None:
        """The day, in Beijing time, from which the source says that it is so."""
        return self.source_at.astimezone(BEIJING).date() if self.source_at else None

    def value(self, element: str) -> str | None:
        """Return the standard value of an element, or None."""
        return self.said[element].value if element in self.said else None


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.astimezone() if moment else None


def record_of(version: Version) -> str:
    """Return the record that said it, as linking names it: ``<resource>|<record key>``."""
    return f"{version.source}|{version.record_key}"


def standing(
    versions: Iterable[Version],
    *,
    recorded_on: date | None = None,
    valid_on: date | None = None,
    recorded_at: datetime | None = None,
) -> dict[str, Version]:
    """Return source → the version that stands, of those known by a day and valid on a day.

    Args:
        versions: versions of one entity.
        recorded_on: as the library knew it at the end of this business date; default now.
        valid_on: as it was on this day by what the sources say; default now.
        recorded_at: as ``recorded_on``, to the moment.
    """
    found: dict[str, Version] = {}
    for version in sorted(versions, key=lambda v: v.place):
        if recorded_on and version.recorded_on > recorded_on:
            continue
        if recorded_at and version.recorded_at > recorded_at:
            continue
        if valid_on and version.valid_from and version.valid_from > valid_on:
            continue
        found[version.source] = version
    return {source: version for source, version in found.items() if not version.is_withdrawn}


@dataclass(frozen=True)
class Statement:
    """One value of one element by one source, for as long as the source kept saying it."""

    element: str
    source: str
    said: Said
    first: Version
    """The version that first said it."""
    last: Version
    """The last version that said it."""
    valid_to: date | None
    """The last day before the source said otherwise; None while it still says so."""
    is_current: bool


def statements_of(versions: Sequence[Version], element: str) -> list[Statement]:
    """Return every value that any source gave ``element``, oldest first; unchanged repetitions are one statement."""
    found: list[Statement] = []
    by_source: dict[str, list[Version]] = {}
    for version in sorted(versions, key=lambda v: v.place):
        by_source.setdefault(version.source, []).append(version)
    for source, own in by_source.items():
        runs: list[list[Version]] = []
        for version in own:
            if runs and runs[-1][-1].value(element) == version.value(element):
                runs[-1].append(version)
            else:
                runs.append([version])
        for run, after in zip(runs, [*runs[1:], None], strict=True):
            if element in run[0].said:
                until = after[0].valid_from - timedelta(days=1) if after and after[0].valid_from else None
                found.append(
                    Statement(element, source, run[0].said[element], run[0], run[-1], until, is_current=after is None)
                )
    return sorted(found, key=lambda s: (s.first.recorded_at, s.source))


def read_versions(contract: Contract, entity_ids: Sequence[str]) -> dict[str, list[Version]]:
    """Return entity id → every version about it, oldest first; entities nobody spoke of are absent.

    Raises:
        NoStatementsError: when the library was never reconciled.
    """
    import pyarrow.dataset as ds

    rows = statement_rows(contract).to_table(filter=ds.field("entity_id").isin(list(entity_ids)))
    found: dict[str, list[Version]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["entity_id"], []).append(Version.of(row))
    return {key: sorted(own, key=lambda v: (v.recorded_at, v.place)) for key, own in found.items()}


def statement_rows(contract: Contract) -> Any:  # noqa: ANN401 - a pyarrow dataset, which has no types
    """Return the table of statements as a pyarrow dataset.

    Raises:
        NoStatementsError: when the library was never reconciled.
        TableDamagedError: when the table's log is not whole.
    """
    from deltalake.exceptions import TableNotFoundError

    from catalog.lake import open_table

    try:
        return open_table(statement_of(contract)).to_pyarrow_dataset()
    except TableNotFoundError as error:
        raise _never_reconciled(contract) from error


def _never_reconciled(contract: Contract) -> NoStatementsError:
    return NoStatementsError(
        f"nothing has been said about any entity of {contract.id}",
        place=statement_of(contract).name,
        remedy=f"run `python -m jobs reconcile --resource {contract.id}` first",
    )
