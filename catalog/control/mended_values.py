"""Whether a batch mended a doubted value (更正核实): an officer states what a batch did, never what it did not.

Invariant: a case is marked corrected by hand only with an accepted batch of the doubted department's own resource whose
rows changed what that department says of the value. The pipeline marks and closes cases by itself.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.control.batches import find_batch
from catalog.control.correction_tables import CorrectionCase
from catalog.control.life_tables import LifeEvent
from catalog.delta_log import TableDamagedError
from catalog.library.doubted import columns_behind, department_of, mending, versions_of_row
from catalog.model.errors import ContractError
from catalog.model.registry import get_registry
from catalog.model.state_machine import MoveRefusedError

_REMEDY = "deliver the corrected row; the pipeline closes the case by itself (报送更正后的数据，平台自动办结)"


class NotMendedError(MoveRefusedError):
    """A batch is named as the correction that is none."""

    code = "NOT_MENDED"


def require_mended(session: Session, case: CorrectionCase, batch_id: str) -> None:
    """Accept a batch of the doubted department whose rows changed the doubted value.

    Args:
        session: an open transaction.
        case: the case that is to be marked corrected.
        batch_id: the batch that is stated to have mended it.

    Raises:
        NotMendedError: there is no such batch of that department, its rows did not change the value since the doubt,
            or nobody can tell at present.
    """
    batch = find_batch(session, batch_id)
    if batch is None or batch.status != "accepted" or not _is_of(batch.resource, case.doubted_department):
        raise NotMendedError(
            f"{batch_id} is no accepted batch of {case.doubted_department} (不是该部门已接收的批次)", remedy=_REMEDY
        )
    try:
        contract = get_registry().get(case.resource)
        versions, columns = versions_of_row(contract, case.row_key), columns_behind(contract, case.column_name)
    except (TableDamagedError, ContractError, OSError) as error:
        raise NotMendedError("what sources said cannot be read at present (暂无法核实)", remedy=_REMEDY) from error
    since = doubted_since(session, [case])[case.number]
    turns = mending(versions, columns, case.doubted_department, since)
    if not any((turn.batch_id, turn.source) == (batch_id, batch.resource) for turn in turns):
        raise NotMendedError(
            f"{batch_id} did not change {case.column_name} of this row (该批次未更正此数据项)", remedy=_REMEDY
        )


def doubted_since(session: Session, cases: Collection[CorrectionCase]) -> dict[str, datetime]:
    """Return number → since when a value is doubted: since the case was raised, or opened again after a correction."""
    query = (
        select(LifeEvent.number, func.max(LifeEvent.at))
        .where(
            LifeEvent.kind == "correction_case",
            LifeEvent.act == "reopen",
            LifeEvent.number.in_([case.number for case in cases]),
        )
        .group_by(LifeEvent.number)
    )
    reopened: dict[str, datetime] = {row[0]: row[1] for row in session.execute(query)}
    return {case.number: reopened.get(case.number, case.raised_at) for case in cases}


def _is_of(resource: str, department: str) -> bool:
    try:
        return department_of(resource) == department
    except ContractError:
        return False
