"""Who acts (操作者): a person, a system, a recipient of shared tables, a command on the machine, or nobody known."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import Literal

from catalog.model.roles import Role

CallerKind = Literal["person", "system", "recipient", "command", "service", "stranger"]


@dataclass(frozen=True)
class Caller:
    """Somebody who acts, as proven at this moment; a revoked role or token ends with the next request."""

    kind: CallerKind
    id: int
    """Of the person, system or recipient; 0 for the others."""
    name: str
    """Log-in name, client id, recipient's name, or account of the operating system."""
    department: str
    """Id of `catalog/departments.yml`; empty when it has none."""
    roles: frozenset[Role] = frozenset()
    credential: int = 0
    """The session or token that was shown."""
    address: str = ""
    """Where the request came from."""
    request_id: str = ""
    claim: str = ""
    """Of a command: the account that the environment names, where it is another than the one that runs it."""
    enrolled: bool = True
    """False while a first password must be changed or a one-time code be set up: nothing else is allowed until then."""

    @property
    def subject(self) -> str:
        """Return kind and number, as the audit keeps them.

        >>> Caller("person", 7, "wang", "water").subject
        'person:7'
        """
        return f"{self.kind}:{self.id}" if self.id else f"{self.kind}:{self.name}"

    def holds(self, *roles: Role) -> bool:
        """Tell whether one of the roles is held.

        >>> Caller("person", 7, "wang", "water", frozenset({Role.STEWARD})).holds(Role.STEWARD, Role.AUDITOR)
        True
        """
        return not self.roles.isdisjoint(roles)

    def is_of(self, department: str) -> bool:
        """Tell whether an object of a department is the caller's own (部门范围).

        >>> Caller("person", 7, "wang", "water").is_of("water"), Caller("stranger", 0, "", "").is_of("")
        (True, False)
        """
        return bool(self.department) and self.department == department


def operating_account() -> str:
    """Return the account of the operating system that runs this process, which the environment cannot change."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid-{number}"


def claimed_account() -> str:
    """Return the account that ``LOGNAME`` names, where it is another than the one that runs this process."""
    named = os.environ.get("LOGNAME", "")
    return "" if named == operating_account() else named


def command_line() -> Caller:
    """Return who acts by a command: the account of the operating system, and whom the environment claims."""
    return Caller("command", 0, operating_account(), "", claim=claimed_account())


STRANGER = Caller("stranger", 0, "", "")
"""Whoever shows no credential that is in force."""
