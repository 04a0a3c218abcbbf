"""Disputes about refusals (共享争议): consult → host → government.

Invariant: a refusal is undone by the body that refused or by one above it, never by the person who refused; what is
undone takes effect at once, as far as the host authority has been heard where the entry asks for it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.control import correction_cases
from catalog.control.applications import find_application, is_refused_by_host, overturn_refusal
from catalog.control.base import utc_now
from catalog.control.clocks import cancel_clock, local_day, start_clock, stop_clock
from catalog.control.grant_tables import Dispute
from catalog.control.life import last_step, newest, next_number, record_event, require_step, take_step
from catalog.control.life_tables import LifeEvent
from catalog.model.departments import host_department
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import Sides
from catalog.model.procedures import DISPUTE
from catalog.model.state_machine import SYSTEM, Actor, NotAPartyError, Party, parties_of

KIND = "dispute"
OUTCOMES = ("upheld", "overturned")


class DisputeError(GuantongError):
    """There is nothing to dispute, or no such outcome."""

    code = "DISPUTE_INVALID"


class DisputeUnknownError(DisputeError):
    """There is no dispute of this number."""

    code = "DISPUTE_UNKNOWN"


def raise_dispute(
    session: Session, subject_kind: str, subject: str, statement: str, actor: Actor, *, at: datetime | None = None
) -> Dispute:
    """Dispute a refusal of an application or correction case; the two departments consult first.

    Raises:
        DisputeUnknownError: there is no such matter, or the actor's department stands on neither side of it.
        DisputeError: it is not refused, is disputed already, its refusal was upheld, or the statement is empty.
        NotAPartyError: the actor does not stand on the side that was refused.
    """
    moment = at or utc_now()
    state, requester, provider = _subject(session, subject_kind, subject)
    if actor.department not in (requester, provider):
        raise DisputeUnknownError(f"no {subject_kind} {subject} of {actor.department}")
    if "requester" not in parties_of(actor, requester=requester):
        raise NotAPartyError(f"{subject} is disputed by an officer of {requester}")
    open_already = select(Dispute.number).where(
        Dispute.subject_kind == subject_kind, Dispute.subject == subject, Dispute.state.in_(DISPUTE.open_states)
    )
    if state != "refused" or not statement or session.scalar(open_already):
        raise DisputeError(f"{subject} is in state {state} or disputed already", remedy="refusals are disputed, once")
    if decided := _decided_since_refusal(session, subject_kind, subject):
        raise DisputeError(f"the refusal of {subject} was upheld by {decided}", remedy="refusals are disputed, once")
    record = Dispute(
        number=next_number(session, KIND, moment.year),
        subject_kind=subject_kind,
        subject=subject,
        requester=requester,
        provider=provider,
        statement=statement,
        raised_by=actor.name,
        state=DISPUTE.initial,
        raised_at=moment,
    )
    session.add(record)
    session.flush()
    record_event(
        session, KIND, record.number, act="raise", from_state=None, to_state=record.state, actor=actor, at=moment,
        sides=_sides(record), told=_told(record),
    )  # fmt: skip
    return record


def move_dispute(
    session: Session,
    number: str,
    act: str,
    actor: Actor,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> Dispute:
    """Take one step: settle, bring_to_host, rule, bring_to_government, rule_finally, withdraw.

    An ``outcome`` is ``upheld`` (the refusal stands) or ``overturned``.

    Raises:
        MoveRefusedError, NotAPartyError, OwnDecisionError, FactMissingError: as :meth:`Machine.step`; also when the
            other side than the one that refused would settle, or when what was refused is not offered any more.
        KeptBackError: what was refused is forbidden by the negative list.
        DisputeError: the outcome is another word.
    """
    record, moment, stated = find_dispute(session, number), at or utc_now(), dict(facts or {})
    parties = parties_of(actor, requester=record.requester, provider=record.provider)
    transition = require_step(session, DISPUTE, KIND, record, act, actor, parties, stated)
    if act == "settle":
        _require_refusing_side(session, record, parties)
    ends_with_outcome = transition.target in ("settled", "ruled")
    if ends_with_outcome and stated["outcome"] not in OUTCOMES:
        raise DisputeError(f"outcome {stated['outcome']!r}", remedy=f"one of: {', '.join(OUTCOMES)}")
    if "reason" in stated:
        record.reason = str(stated["reason"])
    record.ended_at = moment if transition.target in DISPUTE.final else None
    record.outcome = stated["outcome"] if ends_with_outcome else None
    take_step(session, KIND, record, transition, actor, stated, moment, sides=_sides(record), told=_told(record))
    _run_clocks(session, record, act, moment)
    if record.outcome == "overturned":
        _overturn(session, record, actor, moment)
    return record


def find_dispute(session: Session, number: str) -> Dispute:
    """Return a dispute, locked for this transaction.

    Raises:
        DisputeUnknownError: there is none.
    """
    found = session.get(Dispute, number, with_for_update=True, populate_existing=True)
    if found is None:
        raise DisputeUnknownError(f"no dispute {number}", remedy="`python -m catalog disputes` lists them")
    return found


def list_disputes(
    session: Session, *, department: str | None = None, before: str = "", limit: int | None = None
) -> Sequence[Dispute]:
    """Return disputes, newest first, to which a department is a side if asked; from below a number on."""
    query = select(Dispute)
    if department is not None:
        query = query.where(or_(Dispute.requester == department, Dispute.provider == department))
    return newest(session, query, Dispute.number, before, limit)


def _sides(record: Dispute) -> Sides:
    return {"requester": record.requester, "provider": record.provider}


def _told(record: Dispute) -> dict[str, Any]:
    return {"subject": record.subject, "outcome": record.outcome}


def _subject(session: Session, kind: str, number: str) -> tuple[str, str, str]:
    """Return state, requester and provider of what is disputed."""
    if kind == "application":
        application = find_application(session, number)
        return application.state, application.department, application.provider
    if kind == "correction_case":
        case = correction_cases.find_case(session, number)
        return case.state, case.raising_department, case.doubted_department
    raise DisputeError(f"nobody disputes a {kind}", remedy="application or correction_case")


def _decided_since_refusal(session: Session, kind: str, number: str) -> str | None:
    """Return the dispute that upheld the last refusal of a matter, if one did: a new refusal may be disputed anew."""
    refusal = last_step(session, kind, number, "refuse", "object")
    raised = (LifeEvent.kind == KIND, LifeEvent.act == "raise", LifeEvent.id > (refusal.id if refusal else 0))
    return session.scalar(
        select(Dispute.number)
        .join(LifeEvent, LifeEvent.number == Dispute.number)
        .where(Dispute.subject_kind == kind, Dispute.subject == number, Dispute.outcome == "upheld", *raised)
        .limit(1)
    )


def _require_refusing_side(session: Session, record: Dispute, parties: Collection[Party]) -> None:
    """Accept the side that refused: what the host authority refused is not settled by the provider."""
    by_host = record.subject_kind == "application" and is_refused_by_host(session, record.subject)
    side: Party = "host" if by_host else "provider"
    if side not in parties:
        raise NotAPartyError(
            f"{record.number} is settled by the {side}, which refused {record.subject}", remedy="bring it to the host"
        )


def _overturn(session: Session, record: Dispute, by: Actor, at: datetime) -> None:
    """Give what was refused: the application goes on, the correction case is verified again."""
    if record.subject_kind == "application":
        overturn_refusal(session, record.subject, record.number, by, at=at)
    else:
        reason = {"reason": f"overturned by {record.number}"}
        correction_cases.move(session, record.subject, "reopen", SYSTEM, reason, at=at)


def _run_clocks(session: Session, record: Dispute, act: str, at: datetime) -> None:
    if act == "bring_to_host":
        start_clock(session, KIND, record.number, "host_ruling", host_department(), local_day(at))
    elif act in ("rule", "bring_to_government"):
        stop_clock(session, KIND, record.number, local_day(at))
    elif act == "withdraw":
        cancel_clock(session, KIND, record.number, local_day(at))
