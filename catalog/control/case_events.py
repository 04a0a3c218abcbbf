"""Who hears of a correction case (校核知会): its two sides, who joined it, and every reader of the value in doubt.

Invariant: readers and those who joined hear where the value is and how the doubt stands, never who raised it or why.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.correction_tables import CorrectionCase
from catalog.control.events import Telling, emit_all
from catalog.control.life_tables import LifeEvent
from catalog.control.readers import departments_holding
from catalog.model.event_kinds import Sides, kind_of_step

KIND = "correction_case"
Step = tuple[CorrectionCase, str, str]
"""A case, the act, and the state after it."""


def tell_steps(session: Session, steps: Sequence[Step]) -> None:
    """Tell steps of cases, in order; readers are looked up once per column, who joined once for all of them.

    Args:
        session: the transaction of the steps.
        steps: some hundreds.
    """
    sides = sides_of_cases(session, steps)
    tellings = []
    for case, act, state in steps:
        kind = kind_of_step(KIND, act)
        payload = {"number": case.number, "state": state, **told_of_case(case)}
        tellings.append(
            Telling(kind.kind, f"{kind.object}:{case.number}", kind.departments(sides[case.number]), payload)
        )
    emit_all(session, tellings)


def sides_of_cases(session: Session, steps: Iterable[Step]) -> dict[str, Sides]:
    """Return who stands where in some cases, by number; readers only where a step concerns them."""
    heard = [(case, "readers" in kind_of_step(KIND, act).concerned) for case, act, _ in steps]
    to_readers = {case.number: case for case, readers in heard if readers}
    joined = _joined(session, to_readers)
    holding = {
        place: departments_holding(session, *place)
        for place in {(case.resource, case.column_name) for case in to_readers.values()}
    }
    found: dict[str, Sides] = {}
    for case, _ in heard:
        readers: set[str] = set()
        if case.number in to_readers:
            readers = {*holding[(case.resource, case.column_name)], *joined[case.number]}
        found[case.number] = {
            "requester": case.raising_department, "provider": case.doubted_department, "readers": readers
        }  # fmt: skip
    return found


def told_of_case(case: CorrectionCase) -> dict[str, Any]:
    """Return what events about a case tell: where the value stands, and whose it is."""
    return {
        "resource": case.resource,
        "row_key": case.row_key,
        "column": case.column_name,
        "department": case.doubted_department,
        "raised_kind": case.raised_kind,
        "batch_id": case.corrected_by_batch,
    }


def _joined(session: Session, cases: Mapping[str, CorrectionCase]) -> Mapping[str, set[str]]:
    """Return the departments that joined some cases with a doubt of their own, by number."""
    found: dict[str, set[str]] = defaultdict(set)
    query = select(LifeEvent.number, LifeEvent.department).where(
        LifeEvent.kind == KIND, LifeEvent.act == "join", LifeEvent.number.in_(list(cases))
    )
    for number, department in session.execute(query) if cases else ():
        found[number].add(department)
    return found
