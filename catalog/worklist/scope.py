"""Who may see which rows that wait (清单范围): a department its own, the host all with personal values hidden."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.control.masking import mask_personal
from catalog.model.contract import Contract
from catalog.model.departments import get_department
from catalog.model.errors import GuantongError
from catalog.model.masks import apply_mask

PERSONAL = ("personal", "sensitive")
RAW_MASK = "first_1"
"""How a personal value is hidden whose column declares no mask."""


class ScopeRefusedError(GuantongError):
    """A department asked for another one's rows (越权访问)."""

    code = "SCOPE_REFUSED"


@dataclass(frozen=True)
class Scope:
    """What one reader sees."""

    reader: str
    """Department of whoever reads."""
    departments: tuple[str, ...] | None
    """Whose rows; None for all, which only the host may ask for."""
    is_masked: bool = False
    """Whether personal values are hidden from the source department too, until it says what it needs them for."""

    def is_clear(self, contract: Contract) -> bool:
        """Tell whether the reader sees this resource's values as they are: the source department alone does."""
        return contract.government.department == self.reader and not self.is_masked

    def shown(self, contract: Contract, column: str, value: str | None) -> str:
        """Return a raw value as the reader may see it; empty where there is none."""
        if value is None:
            return ""
        if self.is_clear(contract):
            return value
        item = next((p for p in contract.properties if p.name == column), None)
        if item is not None and item.classification in PERSONAL:
            mask = contract.item(column).mask
            return apply_mask(mask if mask and mask != "none" else RAW_MASK, value)
        return mask_personal(value)


def scope_of(reader: str, department: str | None = None) -> Scope:
    """Return what ``reader`` sees of the rows of ``department``, or of all that it may see.

    Raises:
        ScopeRefusedError: when a department asks for another's rows.
        DepartmentUnknownError: when there is no such department.
    """
    is_host = get_department(reader).role == "host"
    if department is not None:
        get_department(department)
        if department != reader and not is_host:
            raise ScopeRefusedError(
                f"{reader} may not see the rows of {department}",
                place=f"worklist of {department}",
                remedy=f"ask for {reader}; the host authority (数据主管部门) sees all, with personal values hidden",
            )
        return Scope(reader, (department,))
    return Scope(reader, None if is_host else (reader,))


def require_resource(scope: Scope, contract: Contract) -> None:
    """Refuse a resource beyond ``scope``.

    Raises:
        ScopeRefusedError: when its department is not among those in scope.
    """
    if scope.departments is not None and contract.government.department not in scope.departments:
        raise ScopeRefusedError(
            f"{contract.id} belongs to {contract.government.department}",
            place=f"worklist of {', '.join(scope.departments)}",
            remedy="name one of the department's own resources",
        )
