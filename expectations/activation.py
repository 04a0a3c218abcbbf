"""Which set of rules is in force (规则启用): recorded on a release, or when the gate first judges by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.rule_activations import latest_activation, record_activation
from catalog.control.session import in_transaction
from catalog.model.caller import command_line
from catalog.model.contract import Contract
from catalog.model.registry import Registry
from jobs.runtime.rule_fingerprint import fingerprint

GATE = "gate"
"""Who put rules in force that nobody released before."""
_ANY_DAY = date(2000, 1, 1)
"""Rules are compared as of one fixed day, so that bounds which follow the calendar do not count as changed."""


def seals(contract: Contract, registry: Registry) -> dict[str, str]:
    """Return rule id → what the rule demands, as a hash."""
    from expectations.suite import build_plan

    plan = build_plan(contract, registry=registry, business_date=_ANY_DAY)
    return {str(r.meta["rule_id"]): seal for r, seal in zip(plan.rules, plan.seals, strict=True)}


def activate(
    contract: Contract, registry: Registry, by: str, simulation: Mapping[str, Any] | None = None
) -> dict[str, list[str]] | None:
    """Record the rules as they stand as those in force, and return what they change; None when they already are.

    Args:
        contract: whose rules.
        registry: where inherited standards are found.
        by: who releases them.
        simulation: what they would have done, as far as somebody asked.

    A release by a person is in the audit, in the transaction that puts the rules in force.
    """
    print_of = fingerprint(contract, registry)
    known = in_transaction(lambda session: latest_activation(session, contract.id))
    if known is not None and known.fingerprint == print_of:
        return None
    rules = seals(contract, registry)

    def put_in_force(session: Session) -> dict[str, list[str]] | None:
        if by != GATE:
            detail = {"by": by, "fingerprint": print_of}
            record(session, command_line(), "rule.activate", f"resource:{contract.id}", detail=detail)
        return record_activation(
            session,
            resource=contract.id,
            fingerprint=print_of,
            rules=rules,
            activated_by=by,
            simulation=simulation,
        )

    return in_transaction(put_in_force)
