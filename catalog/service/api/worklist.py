"""Rows that wait to be mended (待处置清单), of one's own department: in numbers, and row by row with file and line.

Personal values are hidden. Shown whole they are to the source department alone, for a purpose, on record before they
leave.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from catalog.control.audit import record
from catalog.control.issues import dismissed_places
from catalog.model.caller import Caller
from catalog.model.contract import Contract
from catalog.model.ids.citizen_id import is_valid_citizen_id
from catalog.model.registry import get_registry
from catalog.model.right_values import right_value, source_field
from catalog.service.access import Database
from catalog.service.api.quality_reports import WIDE, QualityReader
from catalog.service.api_exchange import Reason
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Instant, Line
from catalog.service.identity import own_department
from catalog.worklist.rows import WaitingRow, waiting_rows
from catalog.worklist.scope import Scope
from catalog.worklist.summary import SummaryLine, summarise, words_of

router = APIRouter(prefix="/worklist", tags=["quality"], route_class=IdempotentRoute)

NOUN = "resource"


class WorkAnswer(Answer):
    """One way in which rows of a resource fail, or a delivery that is held."""

    department: str
    resource: str
    column: str
    source_field: str
    reason: str
    kind: Literal["row", "delivery"]
    problem: str
    problem_en: str
    right_value: str
    right_value_en: str
    remedy: str
    remedy_en: str
    open_rows: int
    closed_rows: int
    oldest: Instant | None


class WorkListAnswer(Answer):
    """What waits, the most frequent first."""

    items: list[WorkAnswer]


class PlaceAnswer(Answer):
    """One reason of a row."""

    column: str
    source_field: str
    reason: str
    problem: str
    problem_en: str
    remedy: str
    remedy_en: str


class RowAnswer(Answer):
    """One row that waits."""

    batch_id: str
    source_file: str
    row_number: int | None
    record: str
    since: Instant
    reasons: list[PlaceAnswer]
    values: dict[str, str]


class RowsAnswer(Answer):
    """Rows of one resource that wait, the oldest batch first."""

    resource: str
    department: str
    is_masked: bool
    items: list[RowAnswer]


@router.get("")
def list_all(session: Database, who: QualityReader) -> WorkListAnswer:
    """List what waits, by resource, column and reason; the host authority sees every department's."""
    return WorkListAnswer(items=[_line(line) for line in summarise(session, _scope(who)) if _waits(line)])


@router.get("/{resource}/rows")
def rows(
    session: Database,
    who: QualityReader,
    response: Response,
    resource: Line,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    purpose: Annotated[Reason | None, Query(description="What whole values are needed for; on record.")] = None,
) -> RowsAnswer:
    """Show the rows of a resource that wait: file, line, reasons and values; personal ones hidden but for a purpose.

    Whole values are for the source department alone.
    """
    contract = next((one for one in get_registry().all("silver") if one.id == resource), None)
    if contract is None:
        raise not_found(NOUN)
    own_department(who, contract.government.department, noun=NOUN, also=WIDE)
    if purpose is not None and not who.is_of(contract.government.department):
        raise ProblemError("OTHER_DEPARTMENT")
    scope = _scope(who, is_masked=purpose is None)
    dismissed = dismissed_places(session, resource)
    found = waiting_rows(contract, scope, limit=limit, dismissed=dismissed)
    if purpose is not None:
        _record_clear(session, who, contract, found, purpose)
    response.headers["Cache-Control"] = "private, no-store"
    items = [_row(contract, row) for row in found]
    owner = contract.government.department
    return RowsAnswer(resource=resource, department=owner, is_masked=purpose is None, items=items)


def _record_clear(session: Database, who: Caller, contract: Contract, found: list[WaitingRow], purpose: str) -> None:
    values = {value.strip().upper() for row in found for value in (*row.values.values(), row.record_key) if value}
    persons = sorted(filter(is_valid_citizen_id, values))
    place = f"resource:{contract.id}"
    record(session, who, "worklist.read", place, purpose=purpose, persons=persons, detail={"rows": len(found)})


def _scope(who: Caller, *, is_masked: bool = True) -> Scope:
    return Scope(who.department, None if who.holds(*WIDE) else (who.department,), is_masked)


def _waits(line: SummaryLine) -> bool:
    return line.kind == "delivery" or line.open_rows > 0


def _line(line: SummaryLine) -> WorkAnswer:
    contract = next((one for one in get_registry().all("silver") if one.id == line.resource), None)
    words = line.words
    return WorkAnswer(
        department=line.department,
        resource=line.resource,
        column=line.column,
        source_field=source_field(contract, line.column) if contract else "",
        reason=line.reason,
        kind="delivery" if line.kind == "delivery" else "row",
        problem=words.zh,
        problem_en=words.en,
        right_value=right_value(contract, line.column) if contract else "",
        right_value_en=right_value(contract, line.column, "en") if contract else "",
        remedy=words.remedy_zh,
        remedy_en=words.remedy_en,
        open_rows=line.open_rows,
        closed_rows=line.closed_rows,
        oldest=line.oldest,
    )


def _row(contract: Contract, row: WaitingRow) -> RowAnswer:
    return RowAnswer(
        batch_id=row.batch_id,
        source_file=row.source_file,
        row_number=row.row_number,
        record=row.record_key,
        since=row.since,
        reasons=[_place(contract, column, reason) for column, reason in row.places],
        values=row.values,
    )


def _place(contract: Contract, column: str, reason: str) -> PlaceAnswer:
    words = words_of(reason)
    return PlaceAnswer(
        column=column, source_field=source_field(contract, column), reason=reason, problem=words.zh,
        problem_en=words.en, remedy=words.remedy_zh, remedy_en=words.remedy_en,
    )  # fmt: skip
