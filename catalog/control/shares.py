"""Published versions of shared tables (发布版本): one is served, the earlier ones stay on record.

Invariant: what is served of one very table never goes back to an older version of it, whoever publishes.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import and_, func, or_, select, text, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.base import utc_now
from catalog.control.deliveries import readers_of
from catalog.control.events import tell
from catalog.control.readers import departments_permitted
from catalog.control.resources import provider_of
from catalog.control.tables import ShareVersion
from catalog.control.version_ends import end_wider, supersede, table_name_of
from catalog.control.withdrawal_tables import WithdrawalRecord
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import Sides

Place: TypeAlias = tuple[str, str, str]
"""Share, schema and name of a table."""
STANDING = ("served", "superseded")
"""How a version stands that was not withdrawn; one that was never comes back."""


class OlderVersionError(GuantongError):
    """A publisher comes with an older version of a table than the one that was published last."""

    code = "OLDER_VERSION"


class RowsTakenBackError(GuantongError):
    """A publisher comes with a version that holds rows taken back, or did not look whether it does."""

    code = "ROWS_WITHDRAWN"


class WithdrawnVersionError(GuantongError):
    """A publisher comes with the very version of a table that was withdrawn."""

    code = "VERSION_WITHDRAWN"


def publish_share_version(
    session: Session,
    *,
    share: str,
    schema_name: str,
    table_name: str,
    resource: str,
    delta_version: int,
    table_uri: str,
    rows: int,
    schema_json: dict[str, Any],
    table_id: str | None = None,
    content_digest: str | None = None,
    check_id: uuid.UUID | None = None,
    published_with: Mapping[str, Any] | None = None,
    superseded_days: int | None = None,
    rows_gone: Collection[str] = (),
) -> ShareVersion:
    """Serve a table version from now on; the one served so far is superseded in the same transaction.

    What is superseded ends in some days, or at once where the new version is narrower (``version_ends``).

    Publishing what is already served changes nothing and returns it, so a replay is safe. Two publishers of
    one table wait for each other. A table that was made anew, which its id tells, counts its versions anew.

    Args:
        session: the control plane.
        share: share under which the table is found.
        schema_name: its schema there.
        table_name: its name there.
        resource: ``domain.resource``.
        delta_version: the version of the table.
        table_uri: where the table lies, below ``LAKE_URI``.
        rows: how many the version has.
        schema_json: its columns as the catalogue shows them.
        table_id: Delta's id of the table; where it is not known, the table counts as the one that is served.
        content_digest: of the version's rows.
        check_id: the check that it passed.
        published_with: what the contract says of it (``catalog/model/publication.py``).
        superseded_days: for how many days the version that it supersedes may still be read; default the site's.
        rows_gone: numbers of the withdrawals none of whose rows the version holds.

    Raises:
        OlderVersionError: when a later version of the same table was published before.
        WithdrawnVersionError: when this very version was withdrawn.
        RowsTakenBackError: when rows of the table were taken back by a withdrawal that is not among ``rows_gone``.
    """
    wait_for_table(session, share, schema_name, table_name)
    current = served_version(session, share, schema_name, table_name)
    if current is not None:
        served = (current.table_id, current.delta_version, current.table_uri)
        if served == (table_id, delta_version, table_uri):
            _follow_contract(session, current, published_with)
            return current
    place = of_table(share, schema_name, table_name)
    _refuse_older(session, place, table_id, delta_version)
    _refuse_withdrawn(session, place, table_id, delta_version)
    _refuse_rows_taken_back(session, (share, schema_name, table_name), rows_gone)
    if current is not None:
        supersede(current, superseded_days)
        session.flush()
    last = session.scalar(select(func.max(ShareVersion.version)).where(*place))
    published = ShareVersion(
        share=share,
        schema_name=schema_name,
        table_name=table_name,
        resource=resource,
        version=(last or 0) + 1,
        delta_version=delta_version,
        table_id=table_id,
        table_uri=table_uri,
        rows=rows,
        schema_json=schema_json,
        content_digest=content_digest,
        check_id=check_id,
        status="served",
        published_with=dict(published_with) if published_with else None,
    )
    session.add(published)
    session.flush()
    session.refresh(published)
    if current is not None:
        readers = {one.department for one in readers_of(session, current)}
        _tell(session, "share.version_superseded", current, {"readers": readers})
    _tell(session, "share.version_published", published, {"permitted": departments_permitted(session, published)})
    end_wider(session, published)
    return published


def _follow_contract(session: Session, served: ShareVersion, published_with: Mapping[str, Any] | None) -> None:
    """Note what today's contract says of the version that is served; what was wider before ends at once."""
    if published_with and dict(published_with) != served.published_with:
        served.published_with = dict(published_with)
        session.flush()
        end_wider(session, served)


def _tell(session: Session, kind: str, version: ShareVersion, heard: Sides) -> None:
    name = table_name_of(version)
    told = {"table": name, "published_at": version.published_at}
    told |= {key: getattr(version, key) for key in ("resource", "version", "rows")}
    sides = {**heard, "provider": provider_of(session, version.resource, version.published_with)}
    tell(session, kind, f"share_version:{name}/{version.version}", sides, told)


def wait_for_table(session: Session, share: str, schema_name: str, table_name: str) -> None:
    """Wait until nobody else publishes or withdraws the table, and keep them waiting until the transaction ends."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:table, 0))"),
        {"table": f"share_version/{share}/{schema_name}/{table_name}"},
    )


def _refuse_withdrawn(session: Session, place: tuple[Any, ...], table_id: str | None, delta_version: int) -> None:
    same = (ShareVersion.delta_version == delta_version, ShareVersion.table_id.is_not_distinct_from(table_id))
    query = select(ShareVersion.version).where(*place, *same, ShareVersion.status == "withdrawn")
    number = session.scalar(query.limit(1))
    if number is not None:
        raise WithdrawnVersionError(
            f"version {delta_version} of the table was withdrawn as version {number}",
            remedy="mend the data; the next run publishes a newer version of the table",
        )


def _refuse_rows_taken_back(session: Session, place: Place, rows_gone: Collection[str]) -> None:
    held = [one.number for one in rows_taken_back(session, *place) if one.number not in rows_gone]
    if held:
        raise RowsTakenBackError(
            f"the version holds rows that were taken back by {', '.join(held)}, or nobody looked whether it does",
            place=".".join(place),
            remedy="take the rows out at their source and run again; "
            "`python -m catalog shares release-rows` once they are right",
        )


def rows_taken_back(session: Session, share: str, schema_name: str, table_name: str) -> Sequence[WithdrawalRecord]:
    """Return the withdrawals in force of rows of a table, in order of number."""
    return session.scalars(
        select(WithdrawalRecord)
        .where(
            WithdrawalRecord.share == share,
            WithdrawalRecord.schema_name == schema_name,
            WithdrawalRecord.table_name == table_name,
            WithdrawalRecord.kind == "rows",
            WithdrawalRecord.released_at.is_(None),
        )
        .order_by(WithdrawalRecord.number)
    ).all()


def _refuse_older(session: Session, place: tuple[Any, ...], table_id: str | None, delta_version: int) -> None:
    """Refuse a version that is older than one published before of the same table, or of what may be the same."""
    not_known = ShareVersion.table_id.is_(None) if table_id else true()
    may_be_same = and_(ShareVersion.status == "served", not_known)
    query = select(func.max(ShareVersion.delta_version))
    newest = session.scalar(query.where(*place, or_(ShareVersion.table_id == table_id, may_be_same)))
    if newest is not None and delta_version < newest:
        raise OlderVersionError(
            f"version {delta_version} is older than version {newest}, which was published before",
            place=f"table id {table_id or 'not known'}",
            remedy="nothing was changed; check and publish the newest version of the table",
        )


def served_version(session: Session, share: str, schema_name: str, table_name: str) -> ShareVersion | None:
    """Return the version of a table that recipients get now, or nothing."""
    return session.scalars(
        select(ShareVersion).where(*of_table(share, schema_name, table_name), ShareVersion.status == "served")
    ).one_or_none()


def published_version(
    session: Session, share: str, schema_name: str, table_name: str, version: int
) -> ShareVersion | None:
    """Return one numbered version that stands: served, or superseded and not ended by its age or a narrower one."""
    return session.scalars(
        select(ShareVersion).where(
            *of_table(share, schema_name, table_name), ShareVersion.version == version, stands_now()
        )
    ).one_or_none()


def stands_now() -> ColumnElement[bool]:
    """Return the condition under which a version is served, or superseded and has not ended."""
    superseded = and_(ShareVersion.status == "superseded", ShareVersion.ends_at > utc_now())
    return or_(ShareVersion.status == "served", superseded)


def list_share_versions(
    session: Session, *, resource: str | None = None, served_only: bool = False
) -> list[ShareVersion]:
    """Return published versions in the order of share, schema, table and number."""
    query = select(ShareVersion).order_by(
        ShareVersion.share, ShareVersion.schema_name, ShareVersion.table_name, ShareVersion.version
    )
    if resource:
        query = query.where(ShareVersion.resource == resource)
    if served_only:
        query = query.where(ShareVersion.status == "served")
    return list(session.scalars(query))


def of_table(share: str, schema_name: str, table_name: str) -> tuple[Any, ...]:
    """Return the conditions under which a version is one of a table."""
    return (
        ShareVersion.share == share,
        ShareVersion.schema_name == schema_name,
        ShareVersion.table_name == table_name,
    )
