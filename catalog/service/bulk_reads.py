"""In which bulk reads a person's or entity's row was handed out (批量读取追溯): receipts × the rows of their versions.

Invariant: what cannot be told, because a version's files are gone or only part of them was offered, is answered as not
certain, never as nobody.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow.dataset as ds
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.control.clocks import local_day
from catalog.control.correction_tables import CorrectionCase
from catalog.control.doubts import divisions_of, lies_within
from catalog.control.grant_tables import AccessGrant
from catalog.control.identities import redirects_of
from catalog.control.shares import of_table
from catalog.control.tables import Delivery, Recipient, ShareVersion
from catalog.library.statements import NoStatementsError, statement_rows
from catalog.model.contract import Contract
from catalog.model.errors import ContractError
from catalog.model.registry import get_registry
from catalog.service.flag_files import SUFFIX
from catalog.service.problems import SharingError
from catalog.service.served_rows import rows_with


class Place(NamedTuple):
    """A version of a shared table."""

    share: str
    schema_name: str
    table_name: str
    version: int


class Read(NamedTuple):
    """Who was handed something, when and by what."""

    on: date
    """Official day (北京时间)."""
    recipient: str
    department: str
    grants: tuple[str, ...]
    """Numbers of the grants; none for a line made by command."""
    purpose: str


class _Receipt(NamedTuple):
    place: Place
    read: Read
    rows: int


@dataclass(frozen=True)
class BulkRead:
    """A version that was handed to a recipient on a day, with the row in it."""

    place: Place
    read: Read
    columns: tuple[str, ...] | None
    """What the grants have of it; None for all columns."""
    is_certain: bool
    """Whether the row went out; else it may have, and nobody can tell any more."""


def names_of(session: Session, identifier: str, source: str | None = None) -> set[str]:
    """Return all that rows may know a person or entity by: its national keys, and its ids before and after merges.

    Args:
        session: an open session.
        identifier: national key or entity id; with a source the key of its record there.
        source: resource of the department's own record.

    Raises:
        ContractError: no library is built from such a source.
        TableDamagedError: when the log of a library's statements is not whole.
    """
    known = {identifier, identifier.upper()} if source is None else _stated_of(source, identifier)
    libraries = get_registry().all("base")
    onward = {library.id: redirects_of(session, library.id) for library in libraries}
    found: set[str] = set()
    while known != found:
        found = set(known)
        for library in libraries:
            led, named = onward[library.id], sorted(found)
            stand = {led.get(name, name) for name in named}
            known |= stand | {gone for gone, stays in led.items() if stays in stand}
            known |= _stated(library, "entity_id", ds.field("entity_key").isin(named))
            known |= _stated(library, "entity_key", ds.field("entity_id").isin(named))
    return found


def _stated_of(source: str, record_key: str) -> set[str]:
    """Return the national keys and ids that the statements of a source's record are about."""
    wanted = (ds.field("source") == source) & (ds.field("record_key") == record_key)
    spec = [library for library in get_registry().all("base") if source in _inputs(library)]
    if not spec:
        raise ContractError(f"no base library is built from {source!r}", remedy="name the source of the record")
    return {name for library in spec for column in ("entity_id", "entity_key")
            for name in _stated(library, column, wanted)}  # fmt: skip


def _inputs(library: Contract) -> Sequence[str]:
    return library.government.reconcile.inputs if library.government.reconcile else ()


def _stated(library: Contract, column: str, wanted: Any) -> set[str]:  # noqa: ANN401 - an expression of pyarrow
    """Return what some statements of a library have in a column; nothing where it has none yet."""
    if not _inputs(library):
        return set()
    try:
        rows = statement_rows(library).to_table(columns=[column], filter=wanted)
    except NoStatementsError:
        return set()
    return {str(name) for name in rows.column(column).to_pylist() if name is not None}


def bulk_reads_of(session: Session, names: Iterable[str]) -> list[BulkRead]:
    """Return the reads of whole tables in which a row went out that has one of some names in any column, newest first.

    Args:
        session: an open session.
        names: as of :func:`names_of`.
    """
    return bulk_reads_of_each(session, {"": frozenset(names)})[""]


def bulk_reads_of_each(session: Session, sought: Mapping[str, Collection[str]]) -> dict[str, list[BulkRead]]:
    """Return of many persons what :func:`bulk_reads_of` returns of one, each version looked through once.

    Args:
        session: an open session.
        sought: person → the names that rows may know the person by.
    """
    grants = {grant.number: grant for grant in session.scalars(select(AccessGrant))}
    found: dict[str, list[BulkRead]] = {person: [] for person in sought}
    every = {name for names in sought.values() for name in names}
    for place, receipts in groupby(_receipts(session), key=lambda one: one.place):
        version, told = _version(session, place), list(receipts)
        is_of_flags = version is None and place.table_name.endswith(SUFFIX)
        rows = _flagged_rows(session, place, every) if is_of_flags else _rows(version, every)
        whole = version.rows if version is not None and rows is not None else None
        reads = [
            _reading(place, read, max(one.rows for one in own), whole, grants)
            for read, own in groupby(told, key=lambda one: one.read)
        ]
        for person, names in sought.items():
            own_rows = None if rows is None else [row for name in names for row in rows.get(name, ())]
            if own_rows is None or own_rows:
                found[person] += [one for one, behind in reads if _may_have_got(own_rows, behind)]
    newest_first = partial(sorted, key=lambda one: (one.read.on, one.place, one.read), reverse=True)
    return {person: newest_first(reads) for person, reads in found.items()}


def _reading(
    place: Place, read: Read, offered: int, whole: int | None, grants: Mapping[str, AccessGrant]
) -> tuple[BulkRead, list[AccessGrant]]:
    """Return a reading as it is answered, and the grants behind it."""
    behind = [grants[number] for number in read.grants if number in grants]
    is_worded = any(grant.row_scope.get("condition") for grant in behind)
    columns = tuple(sorted({item for grant in behind for item in grant.items})) or None
    return BulkRead(place, read, columns, whole is not None and offered >= whole and not is_worded), behind


def _receipts(session: Session) -> list[_Receipt]:
    """Return the receipts of tables' rows, by version and reading."""
    query = (
        select(Delivery, Recipient.name, Recipient.department)
        .join(Recipient, Recipient.id == Delivery.recipient_id)
        .where(Delivery.kind.in_(("query", "file")), or_(Delivery.rows > 0, Delivery.bytes > 0))
    )
    found = [
        _Receipt(
            Place(one.share, one.schema_name, one.table_name, one.version),
            Read(local_day(one.at), name, department, tuple(one.grants), one.purpose),
            one.rows,
        )
        for one, name, department in session.execute(query)
    ]
    return sorted(found)


def _version(session: Session, place: Place) -> ShareVersion | None:
    query = select(ShareVersion).where(*of_table(*place[:3]), ShareVersion.version == place.version)
    return session.scalars(query).one_or_none()


def _rows(version: ShareVersion | None, names: Collection[str]) -> dict[str, list[frozenset[str]]] | None:
    """Return name → the division codes of each row that has it; None when nobody can tell any more."""
    if version is None:
        return None
    try:
        contract: Contract | None = get_registry().get(version.resource)
    except ContractError:
        contract = None
    divisions = [name for name in contract.columns if contract.code_list_of(name) == "division"] if contract else []
    rows: dict[str, list[frozenset[str]]] = {}
    try:
        for has, row in rows_with(version, names, divisions):
            for name in has:
                rows.setdefault(name, []).append(frozenset(str(row[one]) for one in divisions if row.get(one)))
    except (SharingError, OSError):
        return None
    return rows


def _flagged_rows(session: Session, place: Place, names: Collection[str]) -> dict[str, list[frozenset[str]]]:
    """Return name → a row, of those names on whose row a doubt may have stood when flags were read.

    The number of flags is the second in which they were asked for. How a doubt stood then is not told any more.
    """
    asked = datetime.fromtimestamp(place.version, UTC)
    query = select(CorrectionCase.row_key).where(
        CorrectionCase.row_key.in_(sorted(names)),
        CorrectionCase.raised_at < asked + timedelta(seconds=1),
        or_(CorrectionCase.closed_at.is_(None), CorrectionCase.closed_at >= asked - timedelta(seconds=1)),
    )
    return {row: [frozenset()] for row in session.scalars(query)}


def _may_have_got(rows: Sequence[frozenset[str]] | None, grants: Sequence[AccessGrant]) -> bool:
    """Tell whether a reading under some grants, none for a line made by command, may have had one of some rows."""
    if rows is None or not grants:
        return rows is None or bool(rows)
    return any(_lies_within(grant, row) for grant in grants for row in rows)


def _lies_within(grant: AccessGrant, row: frozenset[str]) -> bool:
    divisions = divisions_of(grant)
    return divisions is None or lies_within(row, divisions)
