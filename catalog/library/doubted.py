"""A doubted value in its library (存疑数据项): who said it, and which batch has said otherwise since (更正批次)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from catalog.library.explain import Cell, Testimony, explain_versions
from catalog.library.statements import NoStatementsError, Version, read_versions, standing
from catalog.model.contract import Contract
from catalog.model.registry import get_registry


def library_of(contract: Contract) -> Contract | None:
    """Return the base library whose values a table shows: itself, or the one it is cut from; None without one."""
    if contract.government.reconcile is not None:
        return contract
    cut = contract.government.curate
    return get_registry().get(cut.input) if cut else None


def columns_behind(contract: Contract, column: str) -> list[str]:
    """Return the columns of the base library that a column of a table shows, or is computed from.

    >>> columns_behind(get_registry().get("population.resident_basic"), "is_insured")
    ['insurance_status_code']
    """
    library = library_of(contract)
    logic = next((one.transform_logic for one in contract.properties if one.name == column), None)
    if library is None or logic in (None, column):
        return [column]
    named = set(re.findall(r"\w+", logic))
    return [name for name in library.columns if name in named]


def versions_of_row(contract: Contract, row_key: str) -> list[Version]:
    """Return what was ever said about the row of a table, oldest first; nothing where no library tells.

    Raises:
        TableDamagedError: when the log of the statements is not whole.
    """
    library = library_of(contract)
    if library is None:
        return []
    try:
        return read_versions(library, [row_key]).get(row_key, [])
    except NoStatementsError:
        return []


def cell_of(contract: Contract, row_key: str, column: str) -> Cell | None:
    """Return a cell of a row with all that sources say of it; None where the library has no such row or column.

    Raises:
        TableDamagedError: when the log of the statements is not whole.
    """
    versions, library = versions_of_row(contract, row_key), library_of(contract)
    behind = columns_behind(contract, column)
    if not versions or library is None or len(behind) != 1 or behind[0] not in library.columns:
        return None
    return next(cell for cell in explain_versions(library, versions).cells if cell.column == behind[0])


@dataclass(frozen=True)
class Sighting:
    """What one source says of a doubted value, and where it says so."""

    department: str
    source: str
    verdict: str
    """As of :class:`catalog.library.explain.Testimony`."""
    value: str | None
    """In its standard form."""
    original: str | None
    """As the source wrote it."""
    record_key: str
    """Key of the record in the source itself."""
    file: str | None
    row: int | None
    """Line in the file, or row of the batch."""
    batch_id: str


@dataclass(frozen=True)
class Doubted:
    """A doubted value with all that sources say of it."""

    entity_key: str | None
    """National key of whom it concerns; None where the library does not tell."""
    value: str | None
    """What the library shows."""
    sightings: tuple[Sighting, ...]
    """What each source says now, the deciding one first."""


def doubted_value(contract: Contract, row_key: str, column: str) -> Doubted:
    """Return a doubted value with what every source says of it; without sources where the library does not tell.

    Raises:
        TableDamagedError: when the log of the statements is not whole.
    """
    versions, cell = versions_of_row(contract, row_key), cell_of(contract, row_key, column)
    if not versions or cell is None:
        return Doubted(versions[0].entity_key if versions else None, None, ())
    return Doubted(versions[0].entity_key, cell.value, tuple(_sighting(one) for one in cell.testimonies))


def _sighting(testimony: Testimony) -> Sighting:
    version, said = testimony.version, testimony.said
    return Sighting(
        testimony.department,
        testimony.source,
        testimony.verdict,
        said.value if said else None,
        said.original if said else None,
        version.record_key,
        version.source_file,
        version.row_number,
        version.batch_id,
    )


def deciding_department(contract: Contract, row_key: str, column: str) -> str | None:
    """Return the department whose value a row shows in a column; None where the statements do not tell."""
    cell = cell_of(contract, row_key, column)
    if cell is None or cell.origin != "source":
        return None
    return cell.testimonies[0].department


def mending(versions: Iterable[Version], columns: Collection[str], department: str, since: datetime) -> list[Version]:
    """Return the versions with which a department changed what it says of a value, oldest first.

    Args:
        versions: all that was said about one entity.
        columns: of the library, as of :func:`columns_behind`.
        department: whose value is doubted.
        since: when the doubt was raised.

    Returns:
        Nothing where the department says now what it said then, however often it said otherwise in between. A source
        of it that says nothing of the value changes nothing, and neither does one that begins to say the same.
    """
    said = [version for version in versions if department_of(version.source) == department]

    def value_of(version: Version) -> tuple[str | None, ...] | None:
        found = tuple(version.value(column) for column in columns)
        return found if any(value is not None for value in found) and not version.is_withdrawn else None

    def values(standing_now: dict[str, Version]) -> dict[str, tuple[str | None, ...]]:
        return {source: value for source, one in standing_now.items() if (value := value_of(one)) is not None}

    then, now = values(standing(said, recorded_at=since)), values(standing(said))
    known = set(then.values())
    if then == {source: value for source, value in now.items() if source in then or value not in known}:
        return []
    last, turns = dict(then), []
    for version in sorted(said, key=lambda one: (one.recorded_at, one.place)):
        if version.recorded_at <= since:
            continue
        before, value = last.pop(version.source, None), value_of(version)
        if value != before and (before is not None or value not in known):
            turns.append(version)
        if value is not None:
            last[version.source] = value
    return turns


def department_of(resource: str) -> str:
    """Return the department that delivers a resource."""
    return get_registry().get(resource).government.department
