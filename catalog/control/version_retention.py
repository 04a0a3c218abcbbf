"""Which lake versions nobody is served any more (可清理版本): what a vacuum could take; nothing is taken here."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.closings import closings_of
from catalog.control.tables import ShareVersion

FOR_GOOD = ("VERSION_WITHDRAWN", "VERSION_ENDED")
"""Closings that are never opened again."""


@dataclass(frozen=True)
class Removable:
    """A published version that ended, and whether its lake version could go."""

    version: ShareVersion
    why: str
    still_pinned_by: tuple[int, ...]
    """Numbers of versions of the same table that stand and are cut from the same lake version."""


def removable_versions(session: Session) -> Sequence[Removable]:
    """Return the published versions that are closed for good, by table and number, with what still holds their files.

    A lake version's files may belong to later versions too; a vacuum leaves those.
    """
    query = select(ShareVersion).order_by(
        ShareVersion.share, ShareVersion.schema_name, ShareVersion.table_name, ShareVersion.version
    )
    versions = session.scalars(query).all()
    closed = closings_of(session, versions)
    ended = [one for one in versions if one.id in closed and closed[one.id].code in FOR_GOOD]
    gone = {version.id for version in ended}
    pinned: dict[tuple[str, str | None, int], list[int]] = {}
    for one in versions:
        if one.id not in gone:
            pinned.setdefault((one.table_uri, one.table_id, one.delta_version), []).append(one.version)
    return [
        Removable(one, closed[one.id].reason, tuple(pinned.get((one.table_uri, one.table_id, one.delta_version), ())))
        for one in ended
    ]
