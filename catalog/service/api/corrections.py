"""Correction cases (数据校核): a user of the data doubts a value, the department whose value it is answers.

A doubt is raised on a row that is served and that the department may read. What a caller is shown of a case is the same
whether it was read or written: its two sides and the host authority see it, each side without what others added.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, StringConstraints
from sqlalchemy import or_, select

from catalog.control.audit import record
from catalog.control.case_events import KIND
from catalog.control.correction_cases import find_case, move, raise_case
from catalog.control.correction_tables import CorrectionCase
from catalog.control.doubts import Cover, covers_of
from catalog.control.life import newest
from catalog.control.masking import mask_personal
from catalog.library.masked import masked
from catalog.model.caller import Caller
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.errors import ContractError
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import (
    Course,
    Officer,
    Reason,
    Reference,
    RequesterOfficer,
    actor_of,
    answered,
    course_of,
    is_of_side,
    require_side,
)
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Body, Instant, Line
from catalog.service.problems import SharingError
from catalog.service.served_rows import find_row

router = APIRouter(prefix="/corrections", tags=["corrections"], route_class=IdempotentRoute)

CaseNumber = Annotated[Reference, Path(examples=["COR-2026-000001"])]
RowKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class NewCase(Body):
    """A doubt about one value."""

    resource: Line = Field(examples=["population.resident_basic"])
    row_key: RowKey = Field(description="Entity id of the row, such as person_id; never a national number.")
    column: Line = Field(examples=["name"])
    statement: Reason = Field(description="What speaks against the value.")
    proposed: Line | None = Field(default=None, description="The value that would be right, if known; kept apart.")
    attachments: list[Line] = Field(default_factory=list, max_length=20, description="References to papers.")


class CaseStep(Body):
    """A step of a case."""

    act: Literal[
        "accept", "confirm", "refuse", "ask_evidence", "supplement", "pass_on", "correct", "reopen", "close", "withdraw"
    ]
    reason: Reason | None = None
    evidence: Reason | None = None
    department: Line | None = Field(
        default=None, description="To whom the case is passed on (转办); default the source of the value."
    )
    batch_id: Line | None = Field(default=None, description="Batch of one's own department that corrected the value.")


class CaseAnswer(Answer):
    """A case."""

    number: str
    resource: str
    row_key: str
    column_name: str
    element: str | None
    doubted_department: str
    raising_department: str
    raised_kind: str
    evidence: dict[str, Any]
    state: str
    reason: str | None
    corrected_by_batch: str | None
    raised_at: Instant
    answered_at: Instant | None
    corrected_at: Instant | None
    closed_at: Instant | None


class CaseWhole(CaseAnswer):
    """A case with its course."""

    course: Course


class DoubtAdded(Answer):
    """A doubt that joined another department's case: what the caller said itself, and nothing of that case."""

    resource: str
    row_key: str
    column_name: str
    doubted_department: str


class CasesPage(Answer):
    """A page of cases, the newest first."""

    items: list[CaseAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Database,
    who: Officer,
    page: CurrentPage,
    state: Annotated[Literal["raised", "in_verification", "confirmed", "refused", "insufficient", "corrected",
                             "closed"] | None, Query()] = None,
) -> CasesPage:  # fmt: skip
    """List the cases that one's own department raised or must answer; the host authority sees all."""
    query = select(CorrectionCase)
    if not who.holds(Role.HOST_AUTHORITY):
        own = who.department
        query = query.where(or_(CorrectionCase.doubted_department == own, CorrectionCase.raising_department == own))
    if state is not None:
        query = query.where(CorrectionCase.state == state)
    found = newest(session, query, CorrectionCase.number, page.text(), page.limit + 1)
    return CasesPage.model_validate(page.answer(found, lambda one: one.number, _render))


@router.post("", status_code=201)
def raise_one(
    session: Database, who: RequesterOfficer, response: Response, body: NewCase, _key: IdempotencyKey = None
) -> CaseWhole | DoubtAdded:
    """Raise a doubt on a served row that one may read; where a case on the value is open already, this joins it."""
    contract, department, element = _source(body.resource, body.column)
    if mask_personal(body.row_key) != body.row_key:
        raise ProblemError("RULE_REFUSED", reason="row_key is the entity id, never a national number (不得填身份号码)")
    _require_readable(session, who, contract, body)
    evidence = {
        "statement": mask_personal(body.statement),
        "attachments": [mask_personal(one) for one in body.attachments],
        **({"proposed": masked(contract, body.column, body.proposed)} if body.proposed else {}),
    }
    with answered("case"):
        record(session, who, "correction.raise", f"{body.resource}:{body.row_key}:{body.column}")
        kind: Literal["system", "department"] = "system" if who.kind == "system" else "department"
        made = raise_case(
            session, resource=body.resource, row_key=body.row_key, column=body.column, element=element,
            doubted_department=department, evidence=evidence, actor=actor_of(who), kind=kind,
            proposed_value=body.proposed,
        )  # fmt: skip
    if not is_of_side(who, made.raising_department, made.doubted_department):
        return DoubtAdded.model_validate(made)
    response.headers["Location"] = f"/api/v1/corrections/{made.number}"
    return _whole(session, who, made)


@router.get("/{number}")
def show(session: Database, who: Officer, number: CaseNumber) -> CaseWhole:
    """Show one case with its clocks and history."""
    with answered("case"):
        found = find_case(session, number)
        require_side(who, "case", found.raising_department, found.doubted_department)
    return _whole(session, who, found)


@router.post("/{number}/steps")
def step(session: Database, who: Officer, number: CaseNumber, body: CaseStep, _key: IdempotencyKey = None) -> CaseWhole:
    """Take a step: accept, confirm, refuse, ask_evidence, supplement, pass_on, correct, reopen, close, withdraw."""
    with answered("case"):
        found = find_case(session, number)
        sides = (found.raising_department, found.doubted_department)
        require_side(who, "case", *sides)
        record(session, who, f"correction.{body.act}", f"case:{number}", detail={"reason": body.reason})
        facts = {
            key: mask_personal(value) for key, value in body.model_dump(exclude={"act"}, exclude_none=True).items()
        }
        moved = move(session, number, body.act, actor_of(who), facts)
    return _whole(session, who, moved)


def _source(resource: str, column: str) -> tuple[Contract, str, str | None]:
    """Return the contract, the department whose value a column holds (数源部门), and the column's element."""
    registry = get_registry()
    try:
        contract = registry.get(resource)
    except InvalidContractError:
        raise
    except ContractError as error:
        raise not_found("resource") from error
    if column not in contract.columns:
        raise not_found("column")
    element = registry.elements_of(contract).get(column)
    department = element.submitted_by if element else contract.government.department
    return contract, department, element.id if element else None


def _require_readable(session: Database, who: Caller, contract: Contract, doubt: NewCase) -> None:
    """Accept a doubt on a row of a served version that the caller's department may read in that column.

    Raises:
        ProblemError: 404, which does not tell a row that is not there from one that may not be read; 409 where what is
            published cannot be read at present.
    """
    divisions = [column for column in contract.columns if contract.code_list_of(column) == "division"]
    try:
        for cover in covers_of(session, who.department, contract, doubt.row_key, doubt.column):
            is_covered = partial(_covers, cover, divisions)
            if find_row(session, cover.version, contract.key[0], doubt.row_key, divisions, is_covered) is not None:
                return
    except SharingError as error:
        raise ProblemError("CONFLICT", reason=str(error)) from error
    raise not_found("row")


def _covers(cover: Cover, divisions: Sequence[str], row: Mapping[str, Any]) -> bool:
    return cover.has([str(row[column]) for column in divisions if row.get(column)])


def _render(found: CorrectionCase) -> dict[str, Any]:
    return {**{name: getattr(found, name) for name in CaseAnswer.model_fields}, "evidence": _hidden(found.evidence)}


def _hidden(evidence: Any) -> Any:  # noqa: ANN401 - a document
    """Return evidence without personal numbers, such as the record keys of two sources that were compared."""
    if isinstance(evidence, dict):
        return {name: _hidden(value) for name, value in evidence.items()}
    if isinstance(evidence, list):
        return [_hidden(value) for value in evidence]
    return mask_personal(evidence) if isinstance(evidence, str) else evidence


def _whole(session: Database, who: Caller, found: CorrectionCase) -> CaseWhole:
    """Return a case as one of its sides may see it: what a third department added is for who answers it."""
    course = course_of(session, KIND, found.number)
    if not is_of_side(who, found.doubted_department):
        course.history = [one for one in course.history if one.act != "join" or who.is_of(one.department)]
    for one in course.history:
        one.detail = _hidden(one.detail)
    return CaseWhole(**_render(found), course=course)
