"""Deliveries that are held (暂扣处置): confirmed and rejected by their department, released by the host authority.

Invariants: a delivery is released by two persons, one of its department and one of the host authority; a decision is
for good, and made again by the same person changes nothing; rows come in by extract alone, which does what is decided.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from catalog.control.acting import is_one_person, require_accountable
from catalog.control.base import utc_now
from catalog.control.events import tell
from catalog.control.held_tables import BatchDecision
from catalog.control.resources import provider_of
from catalog.control.tables import Batch
from catalog.model.errors import GuantongError
from catalog.model.holds import HoldRule, hold_rule
from catalog.model.reasons import load_reasons
from catalog.model.state_machine import Actor, MoveRefusedError, NotAPartyError, OwnDecisionError

DECIDERS = {"confirm": "provider_officer", "reject": "provider_officer", "release": "host_authority"}
"""Act → the role that takes it; the first two in the delivery's own department."""


class HeldDeliveryUnknownError(GuantongError):
    """No delivery of this number was ever held."""

    code = "HELD_DELIVERY_UNKNOWN"


class ReasonMissingError(GuantongError):
    """A decision about a delivery states no reason."""

    code = "DECISION_REASON_MISSING"


class NotReleasableError(GuantongError):
    """A delivery is held for a reason for which nobody may let it in."""

    code = "DELIVERY_NOT_RELEASABLE"


@dataclass(frozen=True)
class HeldDelivery:
    """One delivery with what was decided about it."""

    batch: Batch
    department: str
    rule: HoldRule
    decisions: tuple[BatchDecision, ...]
    """For the reason that it is held for now, oldest first."""

    def decision(self, act: str) -> BatchDecision | None:
        """Return the decision of an act, if it was taken."""
        return next((one for one in self.decisions if one.act == act), None)

    @property
    def awaits(self) -> Literal["department", "host", "extract", "nothing"]:
        """What comes next: `department`, `host`, `extract`, or `nothing` when it is done."""
        if self.batch.status != "held":
            return "nothing"
        if self.decision("reject") or self.decision("release"):
            return "extract"
        return "host" if self.decision("confirm") else "department"


def list_held(
    session: Session, *, departments: Collection[str] | None = None, resource: str | None = None
) -> list[HeldDelivery]:
    """Return the deliveries that are held, oldest first, of some departments or one resource if asked."""
    query = select(Batch).where(Batch.status == "held").order_by(Batch.received_at, Batch.batch_id)
    if resource is not None:
        query = query.where(Batch.resource == resource)
    found = [(batch, _owner(session, batch)) for batch in session.scalars(query)]
    return [
        _with_decisions(session, batch, owner) for batch, owner in found if departments is None or owner in departments
    ]


def find_held(session: Session, batch_id: str) -> HeldDelivery:
    """Return a delivery that is held, or about which something was decided.

    Raises:
        HeldDeliveryUnknownError: there is none.
    """
    batch = session.get(Batch, batch_id)
    found = _with_decisions(session, batch, _owner(session, batch)) if batch else None
    if found is None or (found.batch.status != "held" and not found.decisions):
        raise HeldDeliveryUnknownError(f"no delivery {batch_id} is held", remedy="`python -m catalog held list`")
    return found


def decide(
    session: Session, batch_id: str, act: str, actor: Actor, reason: str, *, at: datetime | None = None
) -> HeldDelivery:
    """Take a decision about a delivery that is held: `confirm`, `release` or `reject`; again it changes nothing.

    Args:
        session: an open transaction.
        batch_id: the delivery.
        act: what is decided.
        actor: who decides.
        reason: why, for whoever asks later.
        at: when; default now.

    Raises:
        HeldDeliveryUnknownError: there is no such delivery.
        ReasonMissingError: no reason is stated.
        NotAPartyError: the actor holds another role, or is of another department.
        NotReleasableError: what it is held for is never released.
        MoveRefusedError: something else was decided, or it is not confirmed yet.
        OwnDecisionError: the person behind the actor confirmed it and would release it.
        SystemUnaccountableError: a system acts for which no officer answers.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:batch, 19))"), {"batch": batch_id})
    held = find_held(session, batch_id)
    if not reason.strip():
        raise ReasonMissingError(f"{act} of {batch_id} states no reason", remedy="state it with the decision")
    _require_party(held, act, actor)
    require_accountable(session, actor.name)
    earlier = held.decision(act)
    if earlier is not None and is_one_person(session, actor.name, [earlier.decided_by]):
        return held
    _require_open(session, held, act, actor)
    decision = BatchDecision(
        batch_id=batch_id,
        resource=held.batch.resource,
        department=held.department,
        held_for=held.batch.reason_code or "",
        act=act,
        reason=reason.strip(),
        decided_by=actor.name,
        decided_at=at or utc_now(),
    )
    session.add(decision)
    session.flush()
    told = {"batch_id": batch_id, "resource": held.batch.resource, "reason_code": decision.held_for}
    tell(session, f"held.{act}", f"batch:{batch_id}", {"provider": held.department}, told)
    return find_held(session, batch_id)


def released(session: Session, resource: str) -> list[tuple[Batch, frozenset[str]]]:
    """Return the deliveries of a resource that the host authority has released, in the order they arrived.

    Each with the reasons it was released for. One that an earlier command began to take up and did not end is among
    them: its release is not used yet.
    """
    found: dict[str, tuple[Batch, frozenset[str]]] = {}
    for batch, held_for in _decided(session, resource, "release", ("held", "received")):
        _, reasons = found.get(batch.batch_id, (batch, frozenset()))
        found[batch.batch_id] = (batch, reasons | {held_for})
    return list(found.values())


def apply_rejections(session: Session, resource: str) -> list[str]:
    """End the held deliveries of a resource that their department took back; return them. Their rows stay rejected."""
    ended = [batch for batch, _ in _decided(session, resource, "reject", ("held",))]
    for batch in ended:
        batch.status = "rejected"
        note_applied(session, batch, "reject", batch.batch_id)
    return [batch.batch_id for batch in ended]


def note_applied(session: Session, held: Batch, act: str, batch_id: str) -> None:
    """Note that extract did what was decided: the rows came with a batch, or the delivery is closed."""
    mine = (BatchDecision.batch_id == held.batch_id, BatchDecision.act == act, BatchDecision.applied_at.is_(None))
    session.execute(update(BatchDecision).where(*mine).values(applied_at=utc_now(), applied_in=batch_id))


def _decided(session: Session, resource: str, act: str, states: Collection[str]) -> list[tuple[Batch, str]]:
    """Return deliveries with the reason for which an act was decided that is not done yet."""
    query = (
        select(Batch, BatchDecision.held_for)
        .join(BatchDecision, BatchDecision.batch_id == Batch.batch_id)
        .where(Batch.resource == resource, Batch.status.in_(states), BatchDecision.act == act)
        .where(BatchDecision.applied_at.is_(None))
        .where(or_(Batch.status != "held", BatchDecision.held_for == Batch.reason_code))
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(Batch.arrival, Batch.batch_id))]


def _require_party(held: HeldDelivery, act: str, actor: Actor) -> None:
    role = DECIDERS[act]
    is_own = role == "host_authority" or actor.department == held.department
    if role not in actor.roles or not is_own:
        side = "the host authority" if role == "host_authority" else f"an officer of {held.department}"
        raise NotAPartyError(f"{act} of {held.batch.batch_id} is not for {actor.name}", remedy=f"it belongs to {side}")


def _require_open(session: Session, held: HeldDelivery, act: str, actor: Actor) -> None:
    batch = held.batch
    if batch.status != "held" or held.decision("release") or held.decision("reject") or held.decision(act):
        raise MoveRefusedError(
            f"{batch.batch_id} is decided already", remedy="`python -m catalog held list --json` shows by whom"
        )
    if act == "reject":
        return
    if held.rule.release == "never":
        words = load_reasons().get(batch.reason_code or "")
        raise NotReleasableError(
            f"{batch.batch_id} is held for {batch.reason_code} and is never released: {held.rule.en}",
            remedy=f"reject it and {words.remedy_en if words else 'send it anew'}",
        )
    confirmed = held.decision("confirm")
    if act == "release" and confirmed is None:
        raise MoveRefusedError(
            f"{batch.batch_id} is not confirmed by {held.department}: {held.rule.en}",
            remedy=f"an officer of {held.department} confirms it first",
        )
    if act == "release" and confirmed and is_one_person(session, actor.name, [confirmed.decided_by]):
        raise OwnDecisionError(
            f"{actor.name} confirmed {batch.batch_id} and does not release it", remedy="another person releases it"
        )


def _with_decisions(session: Session, batch: Batch, department: str) -> HeldDelivery:
    query = select(BatchDecision).where(BatchDecision.batch_id == batch.batch_id).order_by(BatchDecision.id)
    every: Sequence[BatchDecision] = session.scalars(query).all()
    code = batch.reason_code or (every[-1].held_for if every else "")
    decisions = tuple(one for one in every if one.held_for == code)
    return HeldDelivery(batch, department, hold_rule(code), decisions)


def _owner(session: Session, batch: Batch) -> str:
    """Return whose delivery it is; nobody's where its contract cannot be used: the host authority sees it still."""
    return provider_of(session, batch.resource) or ""
