"""Recipients (接收系统) and their grants (授权): who may read, what, for which purpose and until when."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import date, datetime, time

from sqlalchemy import DateTime, and_, cast, exists, func, or_, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.base import utc_now
from catalog.control.clocks import ZONE, local_day
from catalog.control.closings import closings_of
from catalog.control.events import tell
from catalog.control.grant_tables import AccessGrant
from catalog.control.tables import Grant, Recipient, ShareVersion
from catalog.model.errors import GuantongError


class RecipientError(GuantongError):
    """A recipient is unknown, or cannot be made."""

    code = "RECIPIENT_INVALID"


def token_digest(token: str) -> str:
    """Return what is kept of a token; 256 random bits need no salt.

    >>> token_digest("x")[:8]
    '2d711642'
    """
    return hashlib.sha256(token.encode()).hexdigest()


def add_recipient(session: Session, name: str, *, department: str, expires_at: datetime) -> tuple[Recipient, str]:
    """Make a recipient and its token; the token is returned here once and kept only as a hash.

    Raises:
        RecipientError: When the name is taken.
    """
    if session.scalar(select(Recipient.id).where(Recipient.name == name)):
        raise RecipientError(
            f"there is already a recipient {name}",
            remedy=f"renew its token (recipients renew {name}), add a grant (recipients grant {name}), or choose "
            "another name",
        )
    token = secrets.token_urlsafe(32)
    recipient = Recipient(name=name, department=department, token_sha256=token_digest(token), expires_at=expires_at)
    session.add(recipient)
    session.flush()
    _tell(session, "recipient.added", recipient, valid_to=expires_at)
    return recipient, token


def renew_token(session: Session, name: str, *, expires_at: datetime) -> tuple[Recipient, str]:
    """Give a recipient a new token; the old one ends at once, a revoked recipient may read again."""
    recipient = find_recipient(session, name)
    token = secrets.token_urlsafe(32)
    recipient.token_sha256 = token_digest(token)
    recipient.expires_at = expires_at
    recipient.revoked_at = None
    session.flush()
    _tell(session, "recipient.renewed", recipient, valid_to=expires_at)
    return recipient, token


def find_recipient(session: Session, name: str) -> Recipient:
    """Return the recipient of a name.

    Raises:
        RecipientError: When there is none.
    """
    found = session.scalars(select(Recipient).where(Recipient.name == name)).one_or_none()
    if found is None:
        raise RecipientError(f"no recipient is called {name}", remedy="`recipients list` shows the names")
    return found


def add_grant(
    session: Session,
    recipient: Recipient,
    *,
    share: str,
    purpose: str,
    valid_to: datetime,
    schema_name: str | None = None,
    table_name: str | None = None,
    opens_earlier: bool = False,
) -> Grant:
    """Grant a share, one of its schemas or one table; granting the same again replaces purpose and term.

    Versions that were superseded before this moment are not read by it, unless it ``opens_earlier`` ones.
    """
    scope = [
        Grant.recipient_id == recipient.id,
        Grant.share == share,
        Grant.schema_name.is_not_distinct_from(schema_name),
        Grant.table_name.is_not_distinct_from(table_name),
        Grant.revoked_at.is_(None),
    ]
    session.execute(update(Grant).where(*scope).values(revoked_at=utc_now()))
    grant = Grant(
        recipient_id=recipient.id,
        share=share,
        schema_name=schema_name,
        table_name=table_name,
        purpose=purpose,
        valid_from=utc_now(),
        valid_to=valid_to,
        opens_earlier=opens_earlier,
    )
    session.add(grant)
    session.flush()
    tables = ".".join(part for part in (schema_name, table_name) if part) or None
    _tell(session, "recipient.granted", recipient, share=share, tables=tables, valid_to=valid_to)
    return grant


def revoke_recipient(session: Session, name: str) -> Recipient:
    """End a recipient's token and all its grants, effective with the next request."""
    recipient = find_recipient(session, name)
    moment = utc_now()
    if recipient.revoked_at is None:
        recipient.revoked_at = moment
        _tell(session, "recipient.revoked", recipient)
    session.execute(
        update(Grant).where(Grant.recipient_id == recipient.id, Grant.revoked_at.is_(None)).values(revoked_at=moment)
    )
    return recipient


def revoke_grants(session: Session, name: str, *, share: str) -> int:
    """End a recipient's grants on one share and return how many there were."""
    recipient = find_recipient(session, name)
    ended = session.scalars(
        update(Grant)
        .where(Grant.recipient_id == recipient.id, Grant.share == share, Grant.revoked_at.is_(None))
        .values(revoked_at=utc_now())
        .returning(Grant.id)
    ).all()
    if ended:
        _tell(session, "recipient.revoked", recipient, share=share)
    return len(ended)


def _tell(session: Session, kind: str, recipient: Recipient, **told: str | datetime | None) -> None:
    payload = {"name": recipient.name, **told}
    tell(session, kind, f"recipient:{recipient.id}", {"requester": recipient.department}, payload)


def authenticate(session: Session, token: str) -> Recipient | None:
    """Return the recipient whose token this is; nothing when unknown, expired or revoked."""
    digest = token_digest(token)
    found = session.scalars(select(Recipient).where(Recipient.token_sha256 == digest)).one_or_none()
    if found is None or not hmac.compare_digest(found.token_sha256, digest):
        return None
    return found if is_active(found) else None


def is_active(recipient: Recipient) -> bool:
    """Tell whether a recipient's token is in force now."""
    return recipient.revoked_at is None and recipient.expires_at > utc_now()


def find_active(session: Session, recipient_id: int) -> Recipient | None:
    """Return the recipient of a number if its token is in force."""
    found = session.get(Recipient, recipient_id)
    return found if found is not None and is_active(found) else None


def count_active(session: Session) -> int:
    """Return how many recipients hold a token that is in force."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Recipient)
            .where(Recipient.revoked_at.is_(None), Recipient.expires_at > utc_now())
        )
        or 0
    )


def list_recipients(session: Session) -> Sequence[Recipient]:
    """Return all recipients by name."""
    return session.scalars(select(Recipient).order_by(Recipient.name)).all()


def recipient_names(session: Session, department: str) -> set[str]:
    """Return the names of a department's recipients."""
    return set(session.scalars(select(Recipient.name).where(Recipient.department == department)))


def list_grants(session: Session, recipient_id: int | None = None) -> Sequence[Grant]:
    """Return the grants that are not revoked, of one recipient or of all."""
    query = select(Grant).where(Grant.revoked_at.is_(None)).order_by(Grant.recipient_id, Grant.share, Grant.id)
    if recipient_id is not None:
        query = query.where(Grant.recipient_id == recipient_id)
    return session.scalars(query).all()


def covers(recipient_id: int) -> ColumnElement[bool]:
    """Return the condition under which a recipient's grants have a share version now."""
    return exists().where(line_in_force(recipient_id, utc_now(), ShareVersion), of_version(ShareVersion))


def line_in_force(recipient_id: int, now: datetime, version: ShareVersion | type[ShareVersion]) -> ColumnElement[bool]:
    """Return the condition under which a line of a recipient lets it read a version.

    Where grants from applications stand behind the line, one of them must be active, whole, in its term on this
    official day and open to the version, whatever the line itself says: a missed daily round lengthens no term.
    """
    today, behind = local_day(now), aliased(AccessGrant)
    stands_behind = behind.recipient_grant_id == Grant.id
    begins = func.timezone(ZONE.key, cast(behind.valid_from, DateTime))
    in_force = (
        exists()
        .where(
            stands_behind,
            behind.state == "active",
            behind.is_narrower.is_(False),
            behind.valid_from <= today,
            behind.valid_to >= today,
            or_(behind.opens_earlier, _was_served_since(begins, version)),
        )
        .correlate(Grant, ShareVersion)
    )
    by_command = and_(
        ~exists().where(stands_behind), or_(Grant.opens_earlier, _was_served_since(Grant.valid_from, version))
    )
    return and_(
        Grant.recipient_id == recipient_id,
        Grant.revoked_at.is_(None),
        Grant.valid_from <= now,
        Grant.valid_to > now,
        or_(in_force, by_command),
    )


def _was_served_since(
    moment: ColumnElement[datetime] | InstrumentedAttribute[datetime], version: ShareVersion | type[ShareVersion]
) -> ColumnElement[bool]:
    """Return the condition under which a version was the one served at a moment or after it."""
    if isinstance(version, ShareVersion):
        return true() if version.superseded_at is None else moment < version.superseded_at
    return or_(version.superseded_at.is_(None), moment < version.superseded_at)


def opens(grant: AccessGrant, version: ShareVersion) -> bool:
    """Tell whether a grant opens a version: one that was served on its first day or after, or it says so itself."""
    begins = datetime.combine(grant.valid_from, time(), ZONE)
    return grant.opens_earlier or version.superseded_at is None or version.superseded_at > begins


def reads_whole(grant: AccessGrant, today: date) -> bool:
    """Tell whether a grant lets its recipient read a whole table on a day."""
    return grant.state == "active" and not grant.is_narrower and grant.valid_from <= today <= grant.valid_to


def of_version(version: ShareVersion | type[ShareVersion]) -> ColumnElement[bool]:
    """Return the condition under which a line is about a version's table."""
    return and_(
        Grant.share == version.share,
        or_(Grant.schema_name.is_(None), Grant.schema_name == version.schema_name),
        or_(Grant.table_name.is_(None), Grant.table_name == version.table_name),
    )


def readable_tables(session: Session, recipient_id: int) -> Sequence[ShareVersion]:
    """Return the served version of every table that a recipient may read now."""
    found = session.scalars(
        select(ShareVersion)
        .where(ShareVersion.status == "served", covers(recipient_id))
        .order_by(ShareVersion.share, ShareVersion.schema_name, ShareVersion.table_name)
    ).all()
    closed = closings_of(session, found)
    return [version for version in found if version.id not in closed]


def granted_versions(
    session: Session, recipient_id: int, share: str, schema_name: str, table_name: str
) -> Sequence[ShareVersion]:
    """Return the versions of one table that a recipient's grants have now, oldest first, also those that are closed."""
    return session.scalars(
        select(ShareVersion)
        .where(
            ShareVersion.share == share,
            ShareVersion.schema_name == schema_name,
            ShareVersion.table_name == table_name,
            covers(recipient_id),
        )
        .order_by(ShareVersion.version)
    ).all()


def granted_version_by_id(session: Session, recipient_id: int, version_id: int) -> ShareVersion | None:
    """Return one version that an active recipient's grants have now, also where it is closed."""
    if find_active(session, recipient_id) is None:
        return None
    return session.scalars(
        select(ShareVersion).where(ShareVersion.id == version_id, covers(recipient_id))
    ).one_or_none()
