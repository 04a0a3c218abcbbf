"""What a grant says is what a read gets (授权约束): its columns, its rows, its quota; else a refusal that says why.

What the negative list forbids is read by nobody, whatever was granted and by whom.
"""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from catalog.control.grant_tables import AccessGrant
from catalog.control.grant_use import QuotaUsedUpError, Reading, ungranted, use_quota
from catalog.control.kept_back import kept_back_of, told
from catalog.control.tables import ShareVersion
from catalog.service.api_problems import ProblemError
from catalog.service.problems import SharingError
from catalog.service.snapshots import DataFile, Snapshot


def require_granted_columns(session: Session, reading: Reading, version: ShareVersion, snapshot: Snapshot) -> None:
    """Accept a table all of whose columns are granted and none kept back: its files go out whole.

    Raises:
        SharingError: 403, naming the columns that are not granted, or that the negative list forbids by which law.
    """
    if listed := kept_back_of(session, version, snapshot.columns):
        raise refuse_kept_back(listed)
    beyond = ungranted(reading, [name for name in snapshot.columns if not name.startswith("_")])
    if beyond:
        raise _narrower(f"the table has columns that are not granted: {', '.join(beyond)}")


def take_quota(session: Session, reading: Reading, version: ShareVersion, files: tuple[DataFile, ...]) -> str | None:
    """Take what a query hands out off the quota, and return the grant that gave it.

    Raises:
        ProblemError: 429 with the moment at which the next day begins; 403 when no day would be enough.
    """
    counts = [file.rows for file in files]
    rows = version.rows if None in counts else sum(count or 0 for count in counts)
    try:
        return use_quota(session, reading, rows)
    except QuotaUsedUpError as error:
        raise _used_up(error) from error


def _used_up(error: QuotaUsedUpError) -> ProblemError:
    grant, quota, rows = error.number, str(error.quota), str(error.rows)
    if error.is_hopeless:
        return ProblemError("QUOTA_BELOW_TABLE", grant=grant, quota=quota, rows=rows)
    until = error.resets_at.isoformat()
    return ProblemError(
        "QUOTA_USED_UP",
        headers={"Retry-After": str(error.seconds)},
        refusal="QUOTA_USED_UP",
        more={"resets_at": until, "quota": error.quota, "used": error.used},
        grant=grant,
        quota=quota,
        used=str(error.used),
        rows=rows,
        resets_at=until,
    )


def refuse_kept_back(listed: Mapping[str, str]) -> SharingError:
    """Return the refusal to whoever would read what the negative list forbids."""
    message = (
        f"负面清单 (the negative list) keeps back columns of this table: {told(listed)}."
        " Its provider publishes it without them (请等待数源部门发布不含上述信息项的版本)."
    )
    return SharingError(403, "KEPT_BACK", message)


def refuse_narrower(grant: AccessGrant) -> SharingError:
    """Return the refusal to somebody whose grant on a table allows less than its files hold."""
    limits = []
    if grant.mode != "table":
        limits.append(f"it is for {grant.mode}, not for reading tables")
    if grant.row_scope:
        limits.append("it is limited to some rows")
    if grant.is_narrower and not grant.row_scope:
        limits.append(f"it has the items {', '.join(grant.items)} alone")
    return _narrower(f"{grant.number}: {'; '.join(limits)}")


def _narrower(reason: str) -> SharingError:
    message = (
        f"The grant is narrower than this table, whose files are served whole only: {reason}."
        " Apply for the whole table, or ask its provider to publish a copy of this scope"
        " (请申请整表，或请数源部门发布相应范围的副本)."
    )
    return SharingError(403, "GRANT_NARROWER", message)
