"""What waits, in numbers (待处置汇总): per resource, column and reason; how old, how much was closed, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.issues import IssueState, list_issues
from catalog.control.tables import Batch
from catalog.model.reasons import Reason, load_reasons
from catalog.model.registry import get_registry
from catalog.worklist.scope import Scope


@dataclass(frozen=True)
class SummaryLine:
    """One way in which rows of one resource fail."""

    department: str
    resource: str
    column: str
    """Empty where the reason is about the whole row or delivery."""
    reason: str
    kind: str
    """`row`: rows set aside; `delivery`: a delivery that is held."""
    open_rows: int
    closed_rows: int
    oldest: datetime | None
    """When the oldest open one was found."""
    days_to_close: float | None

    @property
    def closure_rate(self) -> float | None:
        """Share of all that ever waited whose fault is gone; None where nothing ever did."""
        total = self.open_rows + self.closed_rows
        return self.closed_rows / total if total else None

    @property
    def age_days(self) -> int | None:
        """Full days since the oldest open one was found."""
        return (datetime.now(UTC) - self.oldest).days if self.oldest else None

    @property
    def words(self) -> Reason:
        """What the reason says to people."""
        return words_of(self.reason)


def words_of(code: str) -> Reason:
    """Return the texts of a reason code; the code itself where a site's own rule has none."""
    unknown = "请与数据主管部门联系"
    return load_reasons().get(code) or Reason(
        code=code, zh=code, en=code, remedy_zh=unknown, remedy_en="ask the host authority"
    )


def summarise(session: Session, scope: Scope, resource: str | None = None) -> list[SummaryLine]:
    """Return what waits and what was closed, the most frequent open ones first; deliveries that are held come first."""
    issues = list_issues(session, departments=scope.departments, resource=resource)
    groups: dict[tuple[str, str, str, str], list[IssueState]] = {}
    for issue in issues:
        groups.setdefault((issue.department, issue.resource, issue.column_name, issue.reason), []).append(issue)
    lines = [_line(key, members) for key, members in groups.items()]
    lines.sort(key=lambda line: (-line.open_rows, line.resource, line.column, line.reason))
    return [*_held(session, scope, resource), *lines]


def _line(key: tuple[str, str, str, str], members: Sequence[IssueState]) -> SummaryLine:
    closed = sum(m.closed_rows for m in members)
    days = sum((m.days_to_close or 0.0) * m.closed_rows for m in members)
    return SummaryLine(
        *key,
        kind="row",
        open_rows=sum(m.open_rows for m in members),
        closed_rows=closed,
        oldest=min((m.opened_at for m in members if m.open_rows), default=None),
        days_to_close=days / closed if closed else None,
    )


def _held(session: Session, scope: Scope, resource: str | None) -> list[SummaryLine]:
    query = select(Batch).where(Batch.status == "held").order_by(Batch.received_at)
    if resource:
        query = query.where(Batch.resource == resource)
    owners = {c.id: c.government.department for c in get_registry().all("silver")}
    return [
        SummaryLine(
            owners[batch.resource],
            batch.resource,
            "",
            batch.reason_code or "",
            "delivery",
            batch.received_rows or 0,
            0,
            batch.received_at,
            None,
        )
        for batch in session.scalars(query)
        if batch.resource in owners and (scope.departments is None or owners[batch.resource] in scope.departments)
    ]
