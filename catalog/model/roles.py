"""Roles (角色) and the rules of who may hold them (三员分立).

The words are here because code asks for them; names and rules are data, in `catalog/roles.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from catalog.model.correction import CORRECTION
from catalog.model.departments import Department
from catalog.model.errors import ContractError, GuantongError
from catalog.model.procedures import APPLICATION, DEMAND, DISPUTE, ENTRY, GRANT
from catalog.model.settings import CHECKOUT
from catalog.model.state_machine import ROLES_OF_PARTY

ROLES = CHECKOUT / "catalog" / "roles.yml"

Kind = Literal["officer", "administrator"]
"""What an account is for; it never changes, so that no administrator later does business under the same name."""


class Role(StrEnum):
    """What a person or system may be (角色)."""

    DATA_ENGINEER = "data_engineer"
    STEWARD = "steward"
    PROVIDER_OFFICER = "provider_officer"
    REQUESTER_OFFICER = "requester_officer"
    HOST_AUTHORITY = "host_authority"
    SYSTEM_ADMINISTRATOR = "system_administrator"
    SECURITY_ADMINISTRATOR = "security_administrator"
    AUDITOR = "auditor"


ADMINISTRATORS = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})
"""三员: never two of them in one person, and none of them beside any other role."""

OFFICERS = frozenset(Role) - ADMINISTRATORS
"""Roles that do business."""


PROCEDURES = (ENTRY, DEMAND, APPLICATION, GRANT, DISPUTE, CORRECTION)
"""Every procedure in which somebody decides."""


def deciding_roles() -> frozenset[Role]:
    """Return the roles by which somebody decides in a procedure: as a person, and never as a system.

    >>> sorted(deciding_roles())
    [<Role.HOST_AUTHORITY: 'host_authority'>, <Role.PROVIDER_OFFICER: 'provider_officer'>]
    """
    deciding = {party for machine in PROCEDURES for line in machine.transitions if line.decides for party in line.by}
    return frozenset(Role(name) for party in deciding for name in ROLES_OF_PARTY[party] if party != "system")


class RoleRefusedError(GuantongError):
    """A person or system may not hold a role."""

    code = "ROLE_REFUSED"


class RoleRule(BaseModel):
    """Who may hold one role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    name_en: str
    departments: frozenset[Literal["provider", "host"]]
    combines: frozenset[Role]
    """Roles that the same person may hold beside it."""
    systems: bool
    second_factor: bool


@lru_cache(maxsize=4)
def load_role_rules(path: Path = ROLES) -> dict[Role, RoleRule]:
    """Return the rule of every role.

    Raises:
        ContractError: when a role has none, a combination is one-sided, an administrator combines with anything, or a
            system may hold a role that decides.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules = {Role(name): RoleRule.model_validate(rule) for name, rule in document.items()}
    wrong = [f"{role} has no rule" for role in Role if role not in rules]
    for role, rule in rules.items():
        if role in ADMINISTRATORS and (rule.combines or rule.systems):
            wrong.append(f"{role} is an administrator and stands alone, in persons only")
        if role in deciding_roles() and rule.systems:
            wrong.append(f"{role} decides, and only persons decide")
        wrong += [f"{role} combines with {other}, which says otherwise" for other in rule.combines
                  if role not in rules[other].combines]  # fmt: skip
    if wrong:
        raise ContractError("; ".join(wrong), place=str(path), remedy="see the head of the file")
    return rules


def kind_of(role: Role) -> Kind:
    """Return the kind of account that may hold a role.

    >>> kind_of(Role.AUDITOR), kind_of(Role.STEWARD)
    ('administrator', 'officer')
    """
    return "administrator" if role in ADMINISTRATORS else "officer"


def require_may_hold(role: Role, *, department: Department, holding: Iterable[Role] = (), system: bool = False) -> None:
    """Accept a role for a person or system, or say why not.

    Args:
        role: the role to be given.
        department: where the person works, or whose system it is.
        holding: what it holds already.
        system: whether it is a system.

    Raises:
        RoleRefusedError: naming the rule.

    >>> from catalog.model.departments import get_department
    >>> require_may_hold(Role.STEWARD, department=get_department("water"), holding=[Role.PROVIDER_OFFICER])
    """
    rule = load_role_rules()[role]
    clashes = sorted({other for other in holding if other != role and other not in rule.combines})
    if clashes:
        raise RoleRefusedError(
            f"{role} and {', '.join(clashes)} are never held together (三员分立)",
            place=str(ROLES),
            remedy="give the role to another person",
        )
    if department.role not in rule.departments:
        raise RoleRefusedError(
            f"{role} is held in the host department only, and {department.id} is a {department.role}",
            place=str(ROLES),
            remedy="give the role to a person of the host department",
        )
    if system and not rule.systems:
        raise RoleRefusedError(
            f"{role} decides as a person and is never held by a system", place=str(ROLES), remedy="name a person"
        )
