"""To whom a case is passed on (转办): the department that is the source of the doubted value, and no other.

Invariant: a case goes to a department that said the value or declares its data element, never to one that had it
before, and never away from the department whose value it is.
"""

from sqlalchemy.orm import Session

from catalog.control.correction_tables import CorrectionCase
from catalog.control.life import history
from catalog.delta_log import TableDamagedError
from catalog.library.doubted import deciding_department, library_of
from catalog.model.contract import Contract
from catalog.model.registry import get_registry
from catalog.model.state_machine import MoveRefusedError


class NotPassedError(MoveRefusedError):
    """A case is not passed on, or not to that department."""

    code = "NOT_PASSED_ON"


def next_department(session: Session, case: CorrectionCase, wanted: str | None) -> str:
    """Return the department to which a case is passed on.

    Args:
        session: an open transaction.
        case: the case, with the department that has it now.
        wanted: the department that was named; None for the source itself.

    Raises:
        NotPassedError: the department that has the case is the source, the one named declares no such data element or
            had the case before, or the case doubts what its department delivered itself.
    """
    if case.raised_kind == "comparison":
        raise NotPassedError(
            f"{case.number} doubts what {case.doubted_department} itself delivered (本部门报送的数据)",
            remedy="confirm or refuse it",
        )
    contract = get_registry().get(case.resource)
    source = _source_of(contract, case)
    if source == case.doubted_department:
        raise NotPassedError(
            f"{source} is the source of {case.column_name} in this row (本部门即数源部门)",
            remedy="confirm or refuse it",
        )
    target, declaring = wanted or source, declaring_departments(contract, case.column_name, case.element)
    if target != source and target not in declaring:
        raise NotPassedError(
            f"{target} declares no data element of {case.column_name} (该部门未申报此数据元)",
            remedy=f"one of: {', '.join(sorted({source, *declaring} - {case.doubted_department}))}",
        )
    if target in _held_by(session, case):
        raise NotPassedError(
            f"{target} had {case.number} already (该部门已转出此件)", remedy="confirm or refuse it, with the reason"
        )
    return target


def declaring_departments(contract: Contract, column: str, element: str | None) -> set[str]:
    """Return the departments that deliver a data element, or the library's column where it is bound to none."""
    registry = get_registry()
    if element is not None:
        bound = [found for found, _ in registry.bindings_of(element)]
    else:
        library = library_of(contract)
        inputs = library.government.reconcile.inputs if library and library.government.reconcile else []
        bound = [found for found in map(registry.get, inputs) if column in found.columns]
    return {found.government.department for found in bound if found.government.layer == "silver"}


def _source_of(contract: Contract, case: CorrectionCase) -> str:
    """Return who said the value of the row; where that is not told, who submits its element (数源部门)."""
    try:
        said = deciding_department(contract, case.row_key, case.column_name)
    except (TableDamagedError, OSError) as error:
        raise NotPassedError("what sources said cannot be read at present (暂无法核实)", remedy="try later") from error
    if said is not None:
        return said
    element = get_registry().elements_of(contract).get(case.column_name)
    return element.submitted_by if element else contract.government.department


def _held_by(session: Session, case: CorrectionCase) -> set[str]:
    """Return the departments that have the case or passed it on before."""
    passed = {event.department for event in history(session, "correction_case", case.number) if event.act == "pass_on"}
    return {case.doubted_department, *passed}
