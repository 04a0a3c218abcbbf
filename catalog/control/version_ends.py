"""Ends of published versions (发布版本终止): what was superseded ends with its age, or at once for a narrower one.

Invariant: no version is read on that holds more than the one served now was published with.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.deliveries import readers_of
from catalog.control.events import tell
from catalog.control.resources import provider_of
from catalog.control.tables import ShareVersion
from catalog.model.event_kinds import Sides
from catalog.model.publication import narrowings
from catalog.model.settings import get_settings

ENDED = "share.version_ended"
"""Kind of the event: a superseded version ended at once, because the one served now is narrower."""


def supersede(version: ShareVersion, days: int | None) -> None:
    """Let the version that is served be superseded, and end in some days; default those of the site."""
    version.status = "superseded"
    version.superseded_at = utc_now()
    kept = get_settings().superseded_days if days is None else days
    version.ends_at = version.superseded_at + timedelta(days=kept)


def end_wider(session: Session, published: ShareVersion) -> None:
    """End at once what was superseded and is wider than the version just published; its readers are told."""
    earlier = select(ShareVersion).where(
        ShareVersion.share == published.share,
        ShareVersion.schema_name == published.schema_name,
        ShareVersion.table_name == published.table_name,
        ShareVersion.status == "superseded",
        ShareVersion.ends_at > utc_now(),
    )
    for version in session.scalars(earlier.order_by(ShareVersion.version)):
        if reasons := narrowings(version.published_with, published.published_with):
            version.ends_at = utc_now()
            version.ended_because = "; ".join(reasons)
            _tell(session, version, published)
    session.flush()


def table_name_of(version: ShareVersion) -> str:
    """Return share, schema and name of a version's table, as the catalogue writes them."""
    return f"{version.share}.{version.schema_name}.{version.table_name}"


def _tell(session: Session, version: ShareVersion, published: ShareVersion) -> None:
    sides: Sides = {
        "provider": provider_of(session, version.resource, version.published_with),
        "readers": {reader.department for reader in readers_of(session, version)},
    }
    told = {
        "table": table_name_of(version),
        "resource": version.resource,
        "version": version.version,
        "current_version": published.version,
        "reason": version.ended_because,
    }
    tell(session, ENDED, f"share_version:{table_name_of(version)}/{version.version}", sides, told)
