"""The one proof that a table's version may be published (通过凭据): the gate and the publisher both ask here.

Invariant: a record is believed for the version, the very table and the rule set that it names, and for no other; its
word alone is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from catalog.control.checks import is_genuine, latest_check
from catalog.control.positions import TableVersion
from catalog.control.tables import CheckResult
from catalog.model.errors import GateStoppedError

PASSING = ("pass", "warn")


@dataclass(frozen=True)
class Checked:
    """What a check must have been of."""

    resource: str
    """``domain.resource``."""
    table_name: str
    """``layer.table``."""
    table: TableVersion
    """Delta's id of the table, and its version."""
    fingerprint: str
    """Of the rule set in force."""


def passing_check(session: Session, wanted: Checked, key: str) -> CheckResult:
    """Return the newest record of a version, when it lets that version through.

    Args:
        session: the control plane.
        wanted: the version, the table and the rules.
        key: with which the gate signs, hexadecimal.

    Raises:
        GateStoppedError: saying in what the record fails.
    """
    version = wanted.table.version
    check = latest_check(session, wanted.table_name, version)
    failing = "was never checked" if check is None else find_objection(check, wanted, key)
    if check is None or failing:
        raise GateStoppedError(
            f"version {version} of {wanted.table_name} {failing}",
            place=f"{wanted.table_name} version {version}",
            remedy=f"python -m jobs check --resource {wanted.resource}; the last published version stays served",
        )
    return check


def find_objection(check: CheckResult, wanted: Checked, key: str) -> str:
    """Return why a record does not let ``wanted`` through, as the rest of a sentence; empty when it does."""
    detail, rows = check.detail, check.detail.get("rows", 0)
    if not is_genuine(check, key):
        return "has a record that the gate did not write, or that was changed since"
    if (check.table_name, check.delta_version) != (wanted.table_name, wanted.table.version):
        return f"has a record of {check.table_name} version {check.delta_version}"
    if detail.get("table_id") != wanted.table.table_id:
        return "was checked as a version of another table, which stood there before"
    if detail.get("fingerprint") != wanted.fingerprint:
        return "was checked under other rules than those in force"
    if check.outcome not in PASSING:
        return f"was stopped by the gate: outcome {check.outcome}, {check.failed} rules not passed"
    if not check.planned == check.evaluated > 0:
        return f"was not judged by every rule: {check.evaluated} of {check.planned} were evaluated"
    if not rows > 0:
        return "was checked without a single row"
    return ""
