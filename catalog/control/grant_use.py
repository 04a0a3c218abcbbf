"""What reads use of the grants behind them (授权用量): each day a quota of rows, never exceeded by reads at one time.

A recipient reads by a line (`recipient_grant`). Behind a line that came from applications stand their grants, whose
quotas count; a line that the security administrator made by command has none, and no quota.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypedDict

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.clocks import ZONE, local_day
from catalog.control.grant_tables import AccessGrant
from catalog.control.grant_use_tables import GrantUse
from catalog.control.recipients import line_in_force, of_version, opens, reads_whole
from catalog.control.tables import Grant, Recipient, ShareVersion
from catalog.model.errors import GuantongError


class QuotaUsedUpError(GuantongError):
    """A read is over what its grants have left today."""

    code = "QUOTA_USED_UP"

    def __init__(self, number: str, quota: int, used: int, rows: int, now: datetime) -> None:
        super().__init__(f"{number} gives {quota} rows a day, of which {used} are used; this read has {rows}")
        self.number, self.quota, self.used, self.rows = number, quota, used, rows
        self.resets_at = datetime.combine(local_day(now) + timedelta(days=1), time(), ZONE)
        """When the next official day begins."""
        self.seconds = max(1, round((self.resets_at - now).total_seconds()))

    @property
    def is_hopeless(self) -> bool:
        """Whether no day's quota would ever be enough."""
        return self.rows > self.quota


class Receipt(TypedDict):
    """By what something was handed out, as its receipt keeps it."""

    grants: list[str]
    purpose: str


@dataclass(frozen=True)
class Reading:
    """By what a recipient reads a version now."""

    grants: tuple[AccessGrant, ...]
    """Grants from applications, by number."""
    is_unmetered: bool
    """Whether a line made by command covers the version too."""
    purposes: tuple[str, ...]
    """What all of these were given for."""

    @property
    def items(self) -> frozenset[str] | None:
        """The columns that may be read; None when nothing limits them."""
        return None if self.is_unmetered else frozenset(name for grant in self.grants for name in grant.items)


def receipt_of(reading: Reading) -> Receipt:
    """Return what a receipt says of the grants behind a read."""
    return {"grants": [grant.number for grant in reading.grants], "purpose": "; ".join(reading.purposes)}


def reading_of(session: Session, recipient_id: int, version: ShareVersion) -> Reading:
    """Return by what a recipient reads a version at this moment."""
    now = utc_now()
    lines = session.execute(
        select(Grant.purpose, AccessGrant)
        .join(AccessGrant, AccessGrant.recipient_grant_id == Grant.id, isouter=True)
        .where(line_in_force(recipient_id, now, version), of_version(version))
        .order_by(AccessGrant.number)
    ).all()
    by_command = {purpose for purpose, grant in lines if grant is None}
    behind = [grant for _, grant in lines if grant is not None and opens(grant, version)]
    grants = tuple(grant for grant in behind if reads_whole(grant, local_day(now)))
    purposes = by_command | {grant.purpose for grant in grants}
    return Reading(grants, bool(by_command), tuple(sorted(purposes)))


def use_quota(session: Session, reading: Reading, rows: int) -> str | None:
    """Take rows off the quota of the first grant that has so many left, and return its number; None without quota.

    Raises:
        QuotaUsedUpError: no grant has so many left today.
    """
    if reading.is_unmetered:
        return None
    now = utc_now()
    for grant in reading.grants:
        if _use(session, grant, rows, local_day(now)):
            return grant.number
    roomiest = max(reading.grants, key=lambda grant: grant.quota_per_day)
    used = used_on(session, roomiest.number, local_day(now))
    raise QuotaUsedUpError(roomiest.number, roomiest.quota_per_day, used, rows, now)


def used_on(session: Session, number: str, day: date) -> int:
    """Return what was used of a grant's quota on a day."""
    found = session.get(GrantUse, (number, day), populate_existing=True)
    return found.used if found is not None else 0


def narrower_grants(
    session: Session, recipient_id: int, share: str, schema_name: str, table_name: str
) -> Sequence[AccessGrant]:
    """Return the grants in force by which a recipient may use a table, but not as a whole."""
    on_table = _grants_on(recipient_id, share, schema_name, table_name)
    query = on_table.where(AccessGrant.state == "active", or_(AccessGrant.is_narrower, AccessGrant.mode != "table"))
    return session.scalars(query).all()


def suspended_grants(
    session: Session, recipient_id: int, share: str, schema_name: str, table_name: str
) -> Sequence[AccessGrant]:
    """Return the grants of a recipient on a table that are suspended in their term."""
    query = _grants_on(recipient_id, share, schema_name, table_name).where(AccessGrant.state == "suspended")
    return session.scalars(query).all()


def _grants_on(recipient_id: int, share: str, schema_name: str, table_name: str) -> Select[AccessGrant]:
    """Return the query for the grants of a recipient on a served table that are in their term, by number."""
    today = local_day(utc_now())
    return (
        select(AccessGrant)
        .join(Recipient, Recipient.name == AccessGrant.recipient)
        .join(ShareVersion, ShareVersion.resource == AccessGrant.resource)
        .where(
            Recipient.id == recipient_id,
            ShareVersion.share == share,
            ShareVersion.schema_name == schema_name,
            ShareVersion.table_name == table_name,
            ShareVersion.status == "served",
            AccessGrant.valid_from <= today,
            AccessGrant.valid_to >= today,
        )
        .order_by(AccessGrant.number)
    )


def ungranted(reading: Reading, columns: Collection[str]) -> list[str]:
    """Return the columns of a table that the grants behind a read do not have."""
    return [] if reading.items is None else sorted(set(columns) - reading.items)


def _use(session: Session, grant: AccessGrant, rows: int, day: date) -> bool:
    """Add rows to what a grant has used, unless that would be more than its quota; one statement, so never twice."""
    if rows > grant.quota_per_day:
        return False
    added = insert(GrantUse).values(grant_number=grant.number, day=day, used=rows)
    statement = added.on_conflict_do_update(
        index_elements=[GrantUse.grant_number, GrantUse.day],
        set_={"used": GrantUse.used + rows},
        where=GrantUse.used + rows <= grant.quota_per_day,
    )
    return session.scalar(statement.returning(GrantUse.used)) is not None
