"""Whom a doubt concerns (存疑记录): the provider's own record, what others say and what is proposed, hidden by default.

Only officers of the department whose value is doubted see it. Values in clear are for a purpose, on record first, while
the case is open. What the negative list keeps back of another department is shown to nobody.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from catalog.control.audit import record
from catalog.control.correction_cases import find_case
from catalog.control.correction_tables import CorrectionCase
from catalog.control.disclosures import record_disclosure
from catalog.control.kept_back import negative_list
from catalog.control.masking import mask_personal
from catalog.delta_log import TableDamagedError
from catalog.library.doubted import Doubted, doubted_value, library_of
from catalog.library.masked import masked
from catalog.model.caller import Caller
from catalog.model.correction import CLOSED
from catalog.model.ids.citizen_id import is_valid_citizen_id
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api.corrections import CaseNumber
from catalog.service.api_exchange import actor_of, answered
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Body, Line
from catalog.service.identity import require

router = APIRouter(prefix="/corrections", tags=["corrections"], route_class=IdempotentRoute)

Provider = Annotated[Caller, Depends(require(Role.PROVIDER_OFFICER, scoped=True))]
Hide = Callable[[str | None], str | None]


class OwnRecord(Answer):
    """A record of one's own department that speaks of the value."""

    source: str
    record_key: str | None = Field(description="Key in the department's own system.")
    value: str | None
    original: str | None = Field(description="As it was delivered.")
    file: str | None
    row: int | None = Field(description="Line of the file, or row of the batch.")
    batch_id: str
    verdict: str


class OtherValue(Answer):
    """What another department says of it."""

    department: str
    value: str | None
    verdict: str


class DoubtedRecord(Answer):
    """Whom a doubt concerns."""

    number: str
    resource: str
    row_key: str
    column_name: str
    entity_key: str | None = Field(description="National key of whom it concerns.")
    value: str | None = Field(description="What is shown now.")
    proposed: str | None = Field(description="What who raised it takes for right.")
    own: list[OwnRecord]
    others: list[OtherValue]
    is_clear: bool


class ClearReading(Body):
    """What personal values in clear are needed for."""

    purpose: Line = Field(examples=["核对户籍底册"])


@router.get("/{number}/record")
def show_record(session: Database, who: Provider, number: CaseNumber) -> DoubtedRecord:
    """Show whom a doubt concerns, personal values hidden (脱敏)."""
    case = _own_case(session, who, number)
    return _render(case, _doubted(session, case), is_clear=False)


@router.post("/{number}/record/clear")
def show_record_clear(session: Database, who: Provider, number: CaseNumber, body: ClearReading) -> DoubtedRecord:
    """Show whom a doubt concerns in clear (明文), for a purpose that is on record before."""
    case = _own_case(session, who, number)
    if case.state == CLOSED:
        raise ProblemError("CONFLICT", reason="the case is closed, so that nothing is read for it (校核已办结)")
    doubted = _doubted(session, case)
    library = library_of(get_registry().get(case.resource))
    record(
        session, who, "correction.unmask", f"case:{number}", purpose=body.purpose, persons=_persons(case, doubted),
        detail={"resource": case.resource, "row": case.row_key, "columns": [case.column_name]},
    )  # fmt: skip
    with answered("case"):
        record_disclosure(
            session, resource=library.id if library else case.resource, entity_id=case.row_key,
            columns=[case.column_name], reason=body.purpose, person=actor_of(who).name,
        )  # fmt: skip
    return _render(case, doubted, is_clear=True)


def _own_case(session: Database, who: Caller, number: str) -> CorrectionCase:
    with answered("case"):
        case = find_case(session, number)
    if not who.is_of(case.doubted_department):
        raise not_found("case")
    return case


def _doubted(session: Database, case: CorrectionCase) -> Doubted:
    """Return what is said of the value, without what another department may not share by the negative list."""
    contract = get_registry().get(case.resource)
    try:
        doubted = doubted_value(contract, case.row_key, case.column_name)
    except (TableDamagedError, OSError) as error:
        raise ProblemError("CONFLICT", reason="what sources said cannot be read at present (暂无法读取)") from error
    element, lines = get_registry().elements_of(contract).get(case.column_name), negative_list(session)
    kept_back = {
        one.department
        for one in doubted.sightings
        if element and one.department != case.doubted_department and lines.of(one.department, [element.id])
    }
    is_kept_back = bool(doubted.sightings) and doubted.sightings[0].department in kept_back
    return replace(
        doubted,
        value=None if is_kept_back else doubted.value,
        sightings=tuple(
            replace(one, value=None, original=None) if one.department in kept_back else one for one in doubted.sightings
        ),
    )


def _persons(case: CorrectionCase, doubted: Doubted) -> list[str]:
    """Return the citizen numbers that are shown: of whom it concerns, and among the values themselves."""
    own = [one for one in doubted.sightings if one.department == case.doubted_department]
    values = [doubted.entity_key, doubted.value, case.proposed_value, *(one.record_key for one in own)]
    values += [text for one in doubted.sightings for text in (one.value, one.original)]
    return sorted({value.strip().upper() for value in values if value and is_valid_citizen_id(value.strip().upper())})


def _render(case: CorrectionCase, doubted: Doubted, *, is_clear: bool) -> DoubtedRecord:
    contract = get_registry().get(case.resource)
    numbers: Hide = (lambda text: text) if is_clear else (lambda text: mask_personal(text) if text else text)
    value: Hide = (lambda text: text) if is_clear else (lambda text: masked(contract, case.column_name, text))
    own = [one for one in doubted.sightings if one.department == case.doubted_department]
    return DoubtedRecord(
        number=case.number,
        resource=case.resource,
        row_key=case.row_key,
        column_name=case.column_name,
        entity_key=numbers(doubted.entity_key),
        value=value(doubted.value),
        proposed=value(case.proposed_value),
        own=[
            OwnRecord(
                source=one.source, record_key=numbers(one.record_key), value=value(one.value),
                original=value(one.original), file=numbers(one.file), row=one.row, batch_id=one.batch_id,
                verdict=one.verdict,
            )
            for one in own
        ],
        others=[
            OtherValue(department=one.department, value=value(one.value), verdict=one.verdict)
            for one in doubted.sightings
            if one not in own
        ],
        is_clear=is_clear,
    )  # fmt: skip
