"""What was published is taken back (发布撤回), whole versions or rows by key; who had them is told and answers.

Invariant: a version that was withdrawn is never served again, and none takes its place but one that is published anew;
a row taken back is not read, and no version that holds it is read as a whole. A new version is published without it, or
after somebody has said that it is right now.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.clocks import local_day, start_clocks
from catalog.control.deliveries import readers_of
from catalog.control.events import tell
from catalog.control.life import next_number
from catalog.control.masking import mask_personal
from catalog.control.resources import provider_of
from catalog.control.shares import STANDING, Place, of_table, wait_for_table
from catalog.control.tables import Recipient, ShareVersion
from catalog.control.version_ends import table_name_of
from catalog.control.withdrawal_tables import WithdrawalReceiver, WithdrawalRecord, WithdrawnVersion
from catalog.model.errors import GuantongError

WITHDRAWN = "share.version_withdrawn"
ROWS_WITHDRAWN = "share.rows_withdrawn"
ROWS_RELEASED = "share.rows_released"
"""Kinds of the events."""
KIND = "withdrawal"
LIMIT = "withdrawal_receipt"
"""Kind of the clocks, one for each receiver, and the limit of its answer."""


class NotPublishedError(GuantongError):
    """What is to be withdrawn is not published, or was withdrawn before."""

    code = "NOT_PUBLISHED"


class NotTakenBackError(GuantongError):
    """There is no withdrawal of rows in force under a number."""

    code = "NOT_TAKEN_BACK"


@dataclass(frozen=True)
class Withdrawal:
    """One version that was taken back, or is read as a whole no more."""

    version: ShareVersion
    readers: Sequence[Recipient]
    """Who had been handed anything of it."""
    number: str
    """Of the act."""


@dataclass(frozen=True)
class RowsTaken:
    """Rows that are to be taken back (撤回数据行)."""

    key_column: str
    keys: tuple[str, ...]
    held_by: Collection[int]
    """Ids of the versions that hold one of them."""


def withdraw(
    session: Session,
    share: str,
    schema_name: str,
    table_name: str,
    *,
    numbers: Collection[int] | None,
    reason: str,
    by: str,
) -> list[Withdrawal]:
    """Take versions of a shared table back; what its readers hold already they are told to put away.

    Args:
        session: an open transaction.
        share: under which the table is found.
        schema_name: its schema there.
        table_name: its name there.
        numbers: of the versions, also of those that have ended; None for all.
        reason: told to the provider and to every reader, without personal data.
        by: who takes them back.

    Raises:
        NotPublishedError: one of them was withdrawn before, or never published; then none is withdrawn.
    """
    place = (share, schema_name, table_name)
    readable = {version.version: version for version in standing_versions(session, place)}
    missing = sorted(set(numbers or ()) - readable.keys())
    if missing or not readable:
        which = f"version {', '.join(map(str, missing))}" if missing else "no version"
        raise NotPublishedError(
            f"{which} of {share}.{schema_name}.{table_name} may be read",
            remedy="`python -m catalog shares --all` lists the versions and how they stand; nothing was withdrawn",
        )
    chosen = [version for number, version in readable.items() if numbers is None or number in numbers]
    record = _record(session, "version", place, chosen[0], mask_personal(reason), by)
    found = _received(session, record, chosen)
    for withdrawal in found:
        withdrawal.version.status = "withdrawn"
        _tell(session, WITHDRAWN, withdrawal, record)
    session.flush()
    return found


def withdraw_rows(session: Session, place: Place, taken: RowsTaken, *, reason: str, by: str) -> list[Withdrawal]:
    """Take rows of a shared table back by key: no row-wise way out has them, no version with them is read as a whole.

    Args:
        session: an open transaction.
        place: share, schema and name of the table.
        taken: the rows, and the standing versions that hold one of them.
        reason: told to the provider and to every reader, without personal data.
        by: who takes them back.

    Raises:
        NotPublishedError: no standing version holds one of them; then nothing is taken back.
    """
    holding = [version for version in standing_versions(session, place) if version.id in taken.held_by]
    if not holding or not taken.keys:
        raise NotPublishedError(
            f"no version of {'.'.join(place)} that stands holds one of these rows",
            remedy=f"name them by {taken.key_column}; nothing was taken back",
        )
    record = _record(session, "rows", place, holding[0], mask_personal(reason), by, taken)
    found = _received(session, record, holding)
    for withdrawal in found:
        _tell(session, ROWS_WITHDRAWN, withdrawal, record)
    session.flush()
    return found


def release_rows(session: Session, number: str, *, reason: str, by: str) -> WithdrawalRecord:
    """Let rows that were taken back be published again, because they are right now (解除撤回).

    Versions from before are not opened by it: they hold the rows as they were.

    Raises:
        NotTakenBackError: no rows are taken back under this number.
    """
    record = session.get(WithdrawalRecord, number, with_for_update=True)
    if record is None or record.kind != "rows" or record.released_at is not None:
        raise NotTakenBackError(
            f"no rows are taken back under {number}", remedy="`python -m catalog shares outstanding` lists withdrawals"
        )
    wait_for_table(session, record.share, record.schema_name, record.table_name)
    record.released_by, record.released_at, record.release_reason = by, utc_now(), mask_personal(reason)
    departments = session.scalars(
        select(WithdrawalReceiver.department).where(WithdrawalReceiver.withdrawal == number)
    ).all()
    tell(
        session, ROWS_RELEASED, f"withdrawal:{number}",
        {"provider": record.provider, "readers": departments},
        {"table": ".".join((record.share, record.schema_name, record.table_name)), "rows": len(record.row_keys),
         "reason": record.release_reason},
    )  # fmt: skip
    session.flush()
    return record


def standing_versions(session: Session, place: Place) -> Sequence[ShareVersion]:
    """Return the versions of a table that were not withdrawn, oldest first; publishers wait for this transaction."""
    wait_for_table(session, *place)
    query = select(ShareVersion).where(*of_table(*place), ShareVersion.status.in_(STANDING))
    return session.scalars(query.order_by(ShareVersion.version)).all()


def rows_withdrawn(session: Session, version: ShareVersion) -> dict[str, frozenset[str]]:
    """Return key column → keys of the rows that nobody is shown of a version: taken back now, or held as taken back."""
    found: dict[str, frozenset[str]] = {}
    held = select(WithdrawnVersion.withdrawal).where(WithdrawnVersion.share_version_id == version.id)
    records = select(WithdrawalRecord).where(
        WithdrawalRecord.share == version.share,
        WithdrawalRecord.schema_name == version.schema_name,
        WithdrawalRecord.table_name == version.table_name,
        WithdrawalRecord.kind == "rows",
        or_(WithdrawalRecord.released_at.is_(None), WithdrawalRecord.number.in_(held)),
    )
    for record in session.scalars(records):
        column = str(record.key_column)
        found[column] = found.get(column, frozenset()) | frozenset(record.row_keys)
    return found


def _record(
    session: Session, kind: str, place: Place, version: ShareVersion, reason: str, by: str,
    taken: RowsTaken | None = None,
) -> WithdrawalRecord:  # fmt: skip
    share, schema_name, table_name = place
    record = WithdrawalRecord(
        number=next_number(session, KIND, utc_now().year),
        kind=kind,
        share=share,
        schema_name=schema_name,
        table_name=table_name,
        resource=version.resource,
        provider=provider_of(session, version.resource, version.published_with),
        key_column=taken.key_column if taken else None,
        row_keys=list(taken.keys) if taken else [],
        reason=reason,
        withdrawn_by=by,
    )
    session.add(record)
    session.flush()
    return record


def _received(session: Session, record: WithdrawalRecord, versions: Sequence[ShareVersion]) -> list[Withdrawal]:
    """Note the versions of a withdrawal and who had been handed them, and let the clock of each answer run."""
    had: dict[int, tuple[Recipient, list[int]]] = {}
    found = [Withdrawal(version, readers_of(session, version), record.number) for version in versions]
    for one in found:
        session.add(WithdrawnVersion(withdrawal=record.number, share_version_id=one.version.id))
        for reader in one.readers:
            had.setdefault(reader.id, (reader, []))[1].append(one.version.version)
    for reader, numbers in had.values():
        session.add(
            WithdrawalReceiver(
                withdrawal=record.number, recipient_id=reader.id, department=reader.department, versions=numbers
            )
        )
    clocks = {clock_number(record.number, reader.id): reader.department for reader, _ in had.values()}
    start_clocks(session, KIND, clocks, LIMIT, local_day(utc_now()))
    return found


def clock_number(withdrawal: str, recipient_id: int) -> str:
    """Return the number of the clock of one receiver's answer.

    >>> clock_number("WDR-2026-000001", 7)
    'WDR-2026-000001/7'
    """
    return f"{withdrawal}/{recipient_id}"


def _tell(session: Session, kind: str, withdrawal: Withdrawal, record: WithdrawalRecord) -> None:
    version, name = withdrawal.version, table_name_of(withdrawal.version)
    tell(
        session,
        kind,
        f"share_version:{name}/{version.version}",
        {"provider": record.provider, "readers": {reader.department for reader in withdrawal.readers}},
        {
            "table": name,
            "resource": version.resource,
            "version": version.version,
            "published_at": version.published_at.isoformat(),
            "rows": len(record.row_keys) if record.kind == "rows" else version.rows,
            "reason": record.reason,
            "withdrawal": record.number,
        },
    )
