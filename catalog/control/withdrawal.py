"""Published versions taken back (发布撤回): refused at once on every way out, and everybody who had them is told.

Invariant: a version that was withdrawn is never served again, and none takes its place but one that is published anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.events import tell
from catalog.control.masking import mask_personal
from catalog.control.readers import provider_of, readers_of
from catalog.control.shares import of_table, wait_for_table
from catalog.control.tables import READABLE, Recipient, ShareVersion
from catalog.model.errors import GuantongError

WITHDRAWN = "share.version_withdrawn"
"""Kind of the event."""


class NotPublishedError(GuantongError):
    """What is to be withdrawn is not published, or was withdrawn before."""

    code = "NOT_PUBLISHED"


@dataclass(frozen=True)
class Withdrawal:
    """One version that was taken back."""

    version: ShareVersion
    readers: Sequence[Recipient]
    """Who had been handed anything of it."""


def withdraw(
    session: Session,
    share: str,
    schema_name: str,
    table_name: str,
    *,
    numbers: Collection[int] | None,
    reason: str,
) -> list[Withdrawal]:
    """Take versions of a shared table back; what its readers hold already they are told to put away.

    Args:
        session: an open transaction.
        share: under which the table is found.
        schema_name: its schema there.
        table_name: its name there.
        numbers: of the versions; None for all that may still be read.
        reason: told to the provider and to every reader, without personal data.

    Raises:
        NotPublishedError: one of them may not be read any more, or never could be; then none is withdrawn.
    """
    wait_for_table(session, share, schema_name, table_name)
    place = of_table(share, schema_name, table_name)
    query = select(ShareVersion).where(*place, ShareVersion.status.in_(READABLE)).order_by(ShareVersion.version)
    readable = {version.version: version for version in session.scalars(query)}
    missing = sorted(set(numbers or ()) - readable.keys())
    if missing or not readable:
        which = f"version {', '.join(map(str, missing))}" if missing else "no version"
        raise NotPublishedError(
            f"{which} of {share}.{schema_name}.{table_name} may be read",
            remedy="`python -m catalog shares --all` lists the versions and how they stand; nothing was withdrawn",
        )
    chosen = [version for number, version in readable.items() if numbers is None or number in numbers]
    found = [Withdrawal(version, readers_of(session, version)) for version in chosen]
    for withdrawal in found:
        withdrawal.version.status = "withdrawn"
        _tell(session, withdrawal, mask_personal(reason))
    session.flush()
    return found


def _tell(session: Session, withdrawal: Withdrawal, reason: str) -> None:
    version = withdrawal.version
    name = f"{version.share}.{version.schema_name}.{version.table_name}"
    tell(
        session,
        WITHDRAWN,
        f"share_version:{name}/{version.version}",
        {"provider": provider_of(session, version.resource), "readers": {one.department for one in withdrawal.readers}},
        {
            "table": name,
            "resource": version.resource,
            "version": version.version,
            "published_at": version.published_at.isoformat(),
            "rows": version.rows,
            "reason": reason,
            "readers": [reader.name for reader in withdrawal.readers],
        },
    )
