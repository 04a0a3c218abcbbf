"""Quality issues (质量问题台账): rows that wait to be mended, since when, how they were closed, and how fast.

Invariant: what is open after a run is what the lake holds; every decrease has its closing, so opened = open + closed.
An issue counts cells at fault: a row set aside for two reasons waits under both.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.quality_tables import Issue, IssueClosing
from catalog.control.tables import Batch

SET_ASIDE, FLAGGED = "set_aside", "flagged"
FINAL = ("mended", "withdrawn", "replayed")
"""Ways of closing after which the fault is gone; a row sent again with its fault lives on in a newer issue."""


@dataclass(frozen=True)
class IssueCount:
    """Rows of one batch that wait under one reason."""

    batch_id: str
    standing: str
    column_name: str
    reason: str
    rows: int


@dataclass(frozen=True)
class ClosedRows:
    """Rows of an issue that a batch brought again."""

    batch_id: str
    """The batch of the issue."""
    column_name: str
    reason: str
    how: str
    by_batch: str
    rows: int


@dataclass(frozen=True)
class IssueState:
    """One issue with what has become of it."""

    resource: str
    department: str
    batch_id: str
    standing: str
    column_name: str
    reason: str
    open_rows: int
    closed: dict[str, int]
    """How → rows."""
    days_to_close: float | None
    """Mean days from opening to closing of what is finally closed, weighted by rows."""
    opened_at: datetime
    judged_under: str

    @property
    def closed_rows(self) -> int:
        """Rows whose fault is gone."""
        return sum(self.closed.get(how, 0) for how in FINAL)


def concerned_batches(session: Session, resource: str, batch_ids: Collection[str]) -> set[str]:
    """Return the batches whose issues a run on ``batch_ids`` may change: these, the open, those it closed."""
    is_open = select(Issue.batch_id).where(Issue.resource == resource, Issue.standing == SET_ASIDE, Issue.open_rows > 0)
    closed = select(Issue.batch_id).join(IssueClosing).where(IssueClosing.by_batch.in_(batch_ids))
    return {*batch_ids, *session.scalars(is_open.union(closed))}


def was_settled(session: Session, batch_ids: Collection[str]) -> bool:
    """Tell whether an earlier try of these batches left issues, or closed any."""
    waits = select(Issue.id).where(Issue.batch_id.in_(batch_ids))
    closed = select(IssueClosing.id).where(IssueClosing.by_batch.in_(batch_ids))
    return session.scalar(select(waits.exists() | closed.exists())) is True


def settle(
    session: Session,
    *,
    resource: str,
    department: str,
    judged_under: str,
    batch_ids: Collection[str],
    counts: Sequence[IssueCount],
    closings: Sequence[ClosedRows],
    concerned: Collection[str] | None = None,
) -> None:
    """Bring the issues of a resource to what a run found; the same run again changes nothing.

    Args:
        session: an open transaction.
        resource: `domain.resource`.
        department: whose rows they are.
        judged_under: digest of the rules in force.
        batch_ids: the batches that the run judged; what they closed before is replaced.
        counts: what waits now, of every batch that is ``concerned``.
        closings: what the judged batches brought again.
        concerned: default what :func:`concerned_batches` names; issues of other batches stay as they are.
    """
    concerned = concerned_batches(session, resource, batch_ids) if concerned is None else concerned
    known = {_key(issue): issue for issue in _issues(session, concerned)}
    expected = {key: issue.open_rows for key, issue in known.items()}
    for key, rows in _taken_back(session, batch_ids).items():
        expected[key] += rows
    session.execute(delete(IssueClosing).where(IssueClosing.by_batch.in_(batch_ids)))
    dismissed = _dismissed(session, [issue.id for issue in known.values()])
    now, found = utc_now(), {(c.batch_id, c.standing, c.column_name, c.reason): c.rows for c in counts}
    closed = _by_issue(closings)
    for key in sorted({*known, *found, *closed}):
        here = found.get(key, 0)
        if key in known:
            here = max(0, here - dismissed.get(known[key].id, 0))
        issue = known.get(key) or _open(session, resource, department, judged_under, key, now)
        was = expected.get(key, here + sum(c.rows for c in closed.get(key, [])))
        issue.open_rows = here
        if issue.batch_id in batch_ids:
            issue.judged_under, issue.seen_at = judged_under, now
        for closing in closed.get(key, []):
            was -= closing.rows
            _close(session, issue, closing.how, closing.by_batch, closing.rows, now)
        if was > here and issue.standing == SET_ASIDE:
            _close(session, issue, "replayed", None, was - here, now)
    session.flush()
    _inherit_age(session, closings)


def list_issues(
    session: Session,
    *,
    departments: Collection[str] | None = None,
    resource: str | None = None,
    batch_id: str | None = None,
    standing: str | None = SET_ASIDE,
    before: datetime | None = None,
) -> list[IssueState]:
    """Return issues with what became of them, the largest open ones first.

    Args:
        session: an open transaction.
        departments: only those of these departments; None for all.
        resource: only those of this resource.
        batch_id: only those of this batch.
        standing: `set_aside`, `flagged`, or None for both.
        before: only those opened before this moment.
    """
    query = select(Issue).order_by(Issue.open_rows.desc(), Issue.id)
    conditions = {"resource": resource, "batch_id": batch_id, "standing": standing}
    for column, wanted in conditions.items():
        if wanted is not None:
            query = query.where(getattr(Issue, column) == wanted)
    if departments is not None:
        query = query.where(Issue.department.in_(departments))
    if before is not None:
        query = query.where(Issue.opened_at < before)
    issues = list(session.scalars(query))
    closings = _closings(session, [issue.id for issue in issues])
    return [_state(issue, closings.get(issue.id, [])) for issue in issues]


def dismiss(
    session: Session,
    resource: str,
    reason: str,
    *,
    by: str,
    why: str,
    batch_id: str | None = None,
    column_name: str | None = None,
) -> int:
    """Close what waits under a reason because nothing will come, and return how many rows that were.

    Args:
        session: an open transaction.
        resource: `domain.resource`.
        reason: reason code.
        by: who decides.
        why: the reason for the decision, for whoever asks later.
        batch_id: only of this batch.
        column_name: only of this column.
    """
    query = select(Issue).where(
        Issue.resource == resource, Issue.reason == reason, Issue.standing == SET_ASIDE, Issue.open_rows > 0
    )
    if batch_id is not None:
        query = query.where(Issue.batch_id == batch_id)
    if column_name is not None:
        query = query.where(Issue.column_name == column_name)
    total, now = 0, utc_now()
    for issue in session.scalars(query.with_for_update()):
        closing = {"how": "dismissed", "decided_by": by, "decision": why, "rows": issue.open_rows, "closed_at": now}
        session.execute(insert(IssueClosing).values(issue_id=issue.id, **closing))
        total += issue.open_rows
        issue.open_rows = 0
    return total


def dismissed_places(session: Session, resource: str) -> set[tuple[str, str, str]]:
    """Return batch, column and reason of everything of a resource that was dismissed and does not wait."""
    query = select(Issue.batch_id, Issue.column_name, Issue.reason).join(IssueClosing)
    mine = (Issue.resource == resource, Issue.open_rows == 0, IssueClosing.how == "dismissed")
    return {(batch, column, reason) for batch, column, reason in session.execute(query.where(*mine))}


def stale_batches(session: Session, resource: str, judged_under: str) -> list[str]:
    """Return the batches with open rows that were judged under other rules than those in force, oldest first."""
    query = select(Batch.batch_id).where(
        Batch.batch_id.in_(
            select(Issue.batch_id).where(
                Issue.resource == resource,
                Issue.standing == SET_ASIDE,
                Issue.open_rows > 0,
                Issue.judged_under != judged_under,
            )
        )
    )
    return list(session.scalars(query.order_by(Batch.received_at, Batch.batch_id)))


def open_batches(session: Session, resource: str) -> list[str]:
    """Return the batches of a resource with open rows, oldest first."""
    waiting = select(Issue.batch_id).where(Issue.resource == resource, Issue.standing == SET_ASIDE, Issue.open_rows > 0)
    query = select(Batch.batch_id).where(Batch.batch_id.in_(waiting)).order_by(Batch.received_at, Batch.batch_id)
    return list(session.scalars(query))


_Key = tuple[str, str, str, str]


def _key(issue: Issue) -> _Key:
    return (issue.batch_id, issue.standing, issue.column_name, issue.reason)


def _issues(session: Session, batch_ids: Collection[str]) -> list[Issue]:
    return list(session.scalars(select(Issue).where(Issue.batch_id.in_(batch_ids)).with_for_update()))


def _taken_back(session: Session, batch_ids: Collection[str]) -> dict[_Key, int]:
    """Return how many rows of which issues an earlier try of these batches closed."""
    query = (
        select(Issue, func.sum(IssueClosing.rows))
        .join(IssueClosing)
        .where(IssueClosing.by_batch.in_(batch_ids))
        .group_by(Issue.id)
    )
    return {_key(issue): int(rows) for issue, rows in session.execute(query)}


def _dismissed(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Return issue → rows that a person dismissed; the lake still has them."""
    query = select(IssueClosing.issue_id, func.sum(IssueClosing.rows)).where(
        IssueClosing.issue_id.in_(ids), IssueClosing.how == "dismissed"
    )
    return {number: int(rows) for number, rows in session.execute(query.group_by(IssueClosing.issue_id))}


def _by_issue(closings: Sequence[ClosedRows]) -> dict[_Key, list[ClosedRows]]:
    found: dict[_Key, list[ClosedRows]] = {}
    for closing in closings:
        found.setdefault((closing.batch_id, SET_ASIDE, closing.column_name, closing.reason), []).append(closing)
    return found


def _open(session: Session, resource: str, department: str, judged_under: str, key: _Key, now: datetime) -> Issue:
    batch_id, standing, column_name, reason = key
    issue = Issue(
        resource=resource,
        department=department,
        batch_id=batch_id,
        standing=standing,
        column_name=column_name,
        reason=reason,
        open_rows=0,
        judged_under=judged_under,
        opened_at=now,
        seen_at=now,
    )
    session.add(issue)
    session.flush()
    return issue


def _close(session: Session, issue: Issue, how: str, by_batch: str | None, rows: int, now: datetime) -> None:
    values = {"issue_id": issue.id, "how": how, "by_batch": by_batch, "rows": rows, "closed_at": now}
    session.execute(insert(IssueClosing).values(values))


def _inherit_age(session: Session, closings: Sequence[ClosedRows]) -> None:
    """Let an issue of rows that failed before be as old as their first failure."""
    for closing in closings:
        if closing.how != "sent_again":
            continue
        same = [Issue.column_name == closing.column_name, Issue.reason == closing.reason, Issue.standing == SET_ASIDE]
        since = select(Issue.opened_at).where(Issue.batch_id == closing.batch_id, *same).scalar_subquery()
        older = update(Issue).where(Issue.batch_id == closing.by_batch, *same, Issue.opened_at > since)
        session.execute(older.values(opened_at=since))


def _closings(session: Session, ids: Sequence[int]) -> dict[int, list[IssueClosing]]:
    found: dict[int, list[IssueClosing]] = {}
    for closing in session.scalars(select(IssueClosing).where(IssueClosing.issue_id.in_(ids))):
        found.setdefault(closing.issue_id, []).append(closing)
    return found


def _state(issue: Issue, closings: Sequence[IssueClosing]) -> IssueState:
    closed: dict[str, int] = {}
    days = 0.0
    for closing in closings:
        closed[closing.how] = closed.get(closing.how, 0) + closing.rows
        if closing.how in FINAL:
            days += closing.rows * (closing.closed_at - issue.opened_at).total_seconds() / 86_400
    final = sum(closed.get(how, 0) for how in FINAL)
    return IssueState(
        resource=issue.resource,
        department=issue.department,
        batch_id=issue.batch_id,
        standing=issue.standing,
        column_name=issue.column_name,
        reason=issue.reason,
        open_rows=issue.open_rows,
        closed=closed,
        days_to_close=days / final if final else None,
        opened_at=issue.opened_at,
        judged_under=issue.judged_under,
    )
