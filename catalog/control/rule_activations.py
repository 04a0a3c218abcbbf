"""Which rules were in force when (规则启用记录): each set of rules that the gate judged by, and what it changed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog.control.base import Base, Json, Recorded, Serial


class RuleActivation(Base):
    """One set of rules of one resource, from the moment it was first judged by or released."""

    __tablename__ = "rule_activation"
    __table_args__ = (Index("ix_rule_activation_resource_id", "resource", "id"),)

    id: Mapped[Serial]
    resource: Mapped[str]
    fingerprint: Mapped[str]
    """Hash over everything a verdict depends on besides the table."""
    rules: Mapped[Json]
    """Rule id → seal of what it demands."""
    changes: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    """``added``, ``removed``, ``changed``: rule ids, against the set before."""
    simulation: Mapped[Json | None]
    """What the changed rules would have done to earlier versions, when somebody asked before."""
    activated_by: Mapped[str]
    """Who released it; ``gate`` when it was first judged by without a release."""
    activated_at: Mapped[Recorded]


def latest_activation(session: Session, resource: str) -> RuleActivation | None:
    """Return the rules of ``resource`` in force; nothing before its first check."""
    query = select(RuleActivation).where(RuleActivation.resource == resource)
    return session.scalars(query.order_by(RuleActivation.id.desc()).limit(1)).one_or_none()


def record_activation(
    session: Session,
    *,
    resource: str,
    fingerprint: str,
    rules: Mapping[str, str],
    activated_by: str,
    simulation: Mapping[str, Any] | None = None,
) -> dict[str, list[str]] | None:
    """Record that ``rules`` are in force from now on, and return what they change; None when they already are.

    Args:
        session: the control plane.
        resource: ``domain.resource``.
        fingerprint: of the whole set.
        rules: rule id → seal.
        activated_by: who released them, or ``gate``.
        simulation: what was found out before.
    """
    before = latest_activation(session, resource)
    if before is not None and before.fingerprint == fingerprint:
        return None
    old = dict(before.rules) if before is not None else {}
    changes = {
        "added": sorted(rules.keys() - old.keys()),
        "removed": sorted(old.keys() - rules.keys()),
        "changed": sorted(rule for rule in rules.keys() & old.keys() if rules[rule] != old[rule]),
    }
    session.add(
        RuleActivation(
            resource=resource,
            fingerprint=fingerprint,
            rules=dict(rules),
            changes=changes,
            simulation=None if simulation is None else dict(simulation),
            activated_by=activated_by,
        )
    )
    return changes
