"""What a report says (报告内容): accounts, faults with masked examples, deliveries, the gate, scores, trends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.checks import latest_check
from catalog.control.findings import list_findings
from catalog.control.issues import dismissed_places
from catalog.control.tables import CheckResult
from catalog.model.contract import Contract
from catalog.model.departments import Department, get_department, load_departments
from catalog.model.layers import table_of
from catalog.model.reasons import Reason
from catalog.model.registry import Registry
from catalog.model.right_values import right_value, source_field
from catalog.worklist.rows import WaitingRow, waiting_rows
from catalog.worklist.scope import Scope, scope_of
from catalog.worklist.summary import SummaryLine, summarise, words_of
from expectations.scores.board import Board, Scored, measure_board, record_board, trend
from expectations.scores.evidence import Delivered
from expectations.scores.score import Score

EXAMPLES = 5
MOST_EXAMPLES = 400
MOST_NOTES = 60


@dataclass(frozen=True)
class Totals:
    """The rows of some resources as the ledger counts them, and what waits of them."""

    received: int = 0
    set_aside: int = 0
    rejected: int = 0
    """Rows that never became records, those of deliveries held or sent back among them."""
    held_deliveries: int = 0
    held_rows: int = 0
    """Rejected rows whose delivery waits for a decision."""
    open_faults: int = 0
    closed_faults: int = 0

    @classmethod
    def of(cls, deliveries: Iterable[Delivered], open_faults: int = 0, closed_faults: int = 0) -> Totals:
        """Return the totals of some deliveries."""
        every = list(deliveries)
        held = [one for one in every if one.status == "held"]
        return cls(
            received=sum(one.received for one in every),
            set_aside=sum(one.set_aside for one in every),
            rejected=sum(one.rejected for one in every),
            held_deliveries=len(held),
            held_rows=sum(one.rejected for one in held),
            open_faults=open_faults,
            closed_faults=closed_faults,
        )

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Example:
    """One row at fault, personal values hidden."""

    file: str
    row: int | None
    record: str
    value: str


@dataclass(frozen=True)
class Fault:
    """One way in which rows of a resource fail, with examples."""

    line: SummaryLine
    column_zh: str
    source_field: str
    """What the source itself calls the column, in which of its tables, files or interfaces."""
    right_zh: str
    right_en: str
    share: float
    """Of all rows received."""
    examples: Sequence[Example]

    @property
    def words(self) -> Reason:
        """The texts of the reason."""
        return self.line.words

    @property
    def told_zh(self) -> str:
        """Column and fault in Chinese; a text that begins with the column's name says it by itself."""
        told = self.words.zh
        return told if told.startswith(self.column_zh) else f"{self.column_zh}：{told}"

    @property
    def told_en(self) -> str:
        """Column and fault in English."""
        return f"{self.line.column or 'row'}: {self.words.en}"


@dataclass(frozen=True)
class Mark:
    """Rows accepted with a flag."""

    words: Reason
    rows: int


@dataclass(frozen=True)
class Held:
    """A delivery that waits for a decision (暂扣的报送)."""

    title: str
    """Name of the resource."""
    delivery: Delivered
    words: Reason


@dataclass(frozen=True)
class Note:
    """Something about a whole delivery."""

    words: Reason
    batch_id: str
    place: str
    count: int


@dataclass(frozen=True)
class ResourceReport:
    """Everything about one resource."""

    contract: Contract
    department: Department
    scored: Scored
    faults: Sequence[Fault]
    held: Sequence[Held]
    marks: Sequence[Mark]
    notes: Sequence[Note]
    check: CheckResult | None
    rules: Sequence[dict[str, object]]
    """Rules that did not pass at the last check."""
    trend: Sequence[tuple[date, float]]

    @property
    def totals(self) -> Totals:
        """All its rows as the ledger counts them."""
        return Totals.of(self.scored.evidence.deliveries, self.open_faults, self.closed_faults)

    @property
    def open_faults(self) -> int:
        """Cells at fault that wait."""
        return sum(f.line.open_rows for f in self.faults)

    @property
    def closed_faults(self) -> int:
        """Cells whose fault is gone."""
        return sum(f.line.closed_rows for f in self.faults)

    @property
    def closure_rate(self) -> float | None:
        """Share of all faults that are gone; None where there never was one."""
        total = self.open_faults + self.closed_faults
        return self.closed_faults / total if total else None

    @property
    def age_days(self) -> int | None:
        """Days since the oldest open fault was found."""
        return max((a for f in self.faults if (a := f.line.age_days) is not None), default=None)


@dataclass(frozen=True)
class DepartmentReport:
    """Everything about one department."""

    department: Department
    score: Score
    resources: Sequence[ResourceReport]
    trend: Sequence[tuple[date, float]]

    @property
    def totals(self) -> Totals:
        """The rows of all its resources."""
        return sum((report.totals for report in self.resources), Totals())

    @property
    def held(self) -> list[Held]:
        """The deliveries of all its resources that wait for a decision."""
        return [held for report in self.resources for held in report.held]

    @property
    def faults(self) -> list[tuple[ResourceReport, Fault]]:
        """The faults of all resources, the most frequent open ones first."""
        every = [(report, fault) for report in self.resources for fault in report.faults]
        return sorted(every, key=lambda each: -each[1].line.open_rows)


@dataclass(frozen=True)
class Content:
    """Everything that the pages say."""

    on: date
    """Business date: the day that the figures are about."""
    written_at: datetime
    """When it was written, by the clock."""
    board: Board
    resources: dict[str, ResourceReport]
    departments: dict[str, DepartmentReport]

    @property
    def totals(self) -> Totals:
        """The rows of everything."""
        return sum((report.totals for report in self.resources.values()), Totals())

    @property
    def held(self) -> list[Held]:
        """The deliveries of everybody that wait for a decision."""
        return [held for report in self.resources.values() for held in report.held]


def collect(
    session: Session,
    registry: Registry,
    on: date,
    *,
    resource: str | None = None,
    department: str | None = None,
) -> Content:
    """Return the content of reports on everything, on one resource, or on one department's resources.

    Scores of everything are recorded on the way, so that trends include today's; a part of it records nothing.

    Values are shown as the host authority sees them: personal ones hidden, for a report goes through many hands.
    """
    contracts = [registry.get(resource)] if resource else registry.all()
    if department:
        get_department(department)
        contracts = [c for c in contracts if c.government.department == department]
    board = measure_board(session, registry, on, contracts)
    if resource is None and department is None:
        record_board(session, board)
    host = scope_of(next(d.id for d in load_departments().values() if d.role == "host"))
    lines: dict[str, list[SummaryLine]] = {}
    for line in summarise(session, host, resource):
        lines.setdefault(line.resource, []).append(line)
    reports = {
        name: _resource(session, scored, host, lines.get(name, []), board) for name, scored in board.resources.items()
    }
    departments = {
        owner: DepartmentReport(
            get_department(owner),
            score,
            [r for r in reports.values() if r.department.id == owner],
            trend(session, board.scheme, "department", owner),
        )
        for owner, score in board.departments.items()
    }
    return Content(on, utc_now(), board, reports, departments)


def _resource(
    session: Session, scored: Scored, host: Scope, lines: Sequence[SummaryLine], board: Board
) -> ResourceReport:
    contract = scored.contract
    rows = [line for line in lines if line.kind == "row"]
    dismissed = dismissed_places(session, contract.id)
    examples = _examples(contract, host, dismissed) if any(line.open_rows for line in rows) else {}
    received = Totals.of(scored.evidence.deliveries).received
    check = latest_check(session, table_of(contract).name)
    return ResourceReport(
        contract=contract,
        department=get_department(contract.government.department),
        scored=scored,
        faults=[_fault(contract, line, received, examples.get((line.column, line.reason), [])) for line in rows],
        held=[Held(contract.table.business_name, one, words_of(one.reason)) for one in scored.evidence.held],
        marks=_marks(scored),
        notes=[
            Note(words_of(f.reason_code), f.batch_id, f.place, f.count)
            for f in list_findings(session, resource=contract.id, limit=MOST_NOTES)
        ],
        check=check,
        rules=_failed_rules(scored, check),
        trend=trend(session, board.scheme, "resource", contract.id),
    )


def _marks(scored: Scored) -> list[Mark]:
    counts: dict[str, int] = {}
    for issue in scored.evidence.issues:
        if issue.standing == "flagged" and issue.open_rows:
            counts[issue.reason] = counts.get(issue.reason, 0) + issue.open_rows
    return [Mark(words_of(code), rows) for code, rows in sorted(counts.items(), key=lambda each: -each[1])]


def _examples(
    contract: Contract, scope: Scope, dismissed: set[tuple[str, str, str]]
) -> dict[tuple[str, str], list[Example]]:
    found: dict[tuple[str, str], list[Example]] = {}
    for row in waiting_rows(contract, scope, limit=MOST_EXAMPLES, per_reason=EXAMPLES, dismissed=dismissed):
        for column, reason in row.places:
            members = found.setdefault((column, reason), [])
            if len(members) < EXAMPLES and (row.batch_id, column, reason) not in dismissed:
                members.append(Example(row.source_file, row.row_number, row.record_key, _value(contract, column, row)))
    return found


def _value(contract: Contract, column: str, row: WaitingRow) -> str:
    if not column:
        return "，".join(filter(None, (row.values.get(c, "") for c in contract.key)))
    raw = contract.item(column).of or column if column in contract.columns else column
    return row.values.get(raw, "")


def _fault(contract: Contract, line: SummaryLine, received: int, examples: Sequence[Example]) -> Fault:
    name = next((p.business_name for p in contract.properties if p.name == line.column), "整行")
    return Fault(
        line=line,
        column_zh=name,
        source_field=source_field(contract, line.column),
        right_zh=right_value(contract, line.column),
        right_en=right_value(contract, line.column, "en"),
        share=line.open_rows / received if received else 0.0,
        examples=examples,
    )


def _failed_rules(scored: Scored, check: CheckResult | None) -> list[dict[str, object]]:
    if check is None:
        return []
    texts = {rule.rule_id: rule for rule in scored.evidence.rules}
    return [
        {
            "rule_id": rule_id,
            "failed": verdict["failed"],
            "outcome": verdict["outcome"],
            "zh": texts[rule_id].zh if rule_id in texts else rule_id,
            "en": texts[rule_id].en if rule_id in texts else rule_id,
        }
        for rule_id, verdict in check.detail.get("rules", {}).items()
        if verdict["outcome"] != "pass"
    ]
