"""Grants (授权): what an approved application allows, and the line by which the service lets a recipient read.

Invariant: only an active grant within its term, on a whole table, lets anybody read that table; one that is narrower
is never served from the whole table. A revocation or suspension holds at the next request. What the host authority
consented to is renewed with its consent, and each side that suspended a grant decides whether it goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.clocks import (
    ZONE,
    cancel_clock,
    local_day,
    pause_clock,
    resume_clock,
    running_clock,
    start_clock,
    stop_clock,
)
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.grant_tables import AccessGrant, Application
from catalog.control.kept_back import negative_list
from catalog.control.life import last_step, newest, next_number, record_event, require_step, take_step
from catalog.control.offered import offered_entry
from catalog.control.suspensions import add_suspension, take_back
from catalog.control.tables import Grant, Recipient, ShareVersion
from catalog.model.application_form import LONGEST_TERM_DAYS, ApplicationError, Narrowing
from catalog.model.catalogue_entry import Entry, read_entry
from catalog.model.departments import host_department
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import Sides
from catalog.model.procedures import GRANT
from catalog.model.state_machine import SYSTEM, Actor, MoveRefusedError, parties_of

KIND = "grant"
RENEWING = ("renew", "endorse_renewal", "consent_renewal")
_GOING_ON = ("resume", *RENEWING)
_ANSWER, _CONSENT, _DELIVERY = "reply_conditional", "host_review", "delivery"


class GrantUnknownError(GuantongError):
    """There is no grant of this number."""

    code = "GRANT_UNKNOWN"


def give_grant(
    session: Session, application: Application, entry: Entry, narrowing: Narrowing, actor: Actor, at: datetime
) -> AccessGrant:
    """Make the grant of an application that was just approved, and let its recipient read."""
    items = list(narrowing.items or application.items)
    grant = AccessGrant(
        number=next_number(session, KIND, at.year),
        application=application.number,
        code=application.code,
        resource=entry.resource,
        provider=application.provider,
        department=application.department,
        recipient=application.recipient,
        items=items,
        is_narrower=is_narrower(application.row_scope, items, entry),
        row_scope=application.row_scope,
        purpose=application.purpose,
        mode=application.mode,
        quota_per_day=narrowing.quota_per_day or application.volume_per_day,
        valid_from=application.term_from,
        valid_to=narrowing.valid_to or application.term_to,
        opens_earlier=application.opens_earlier,
        state=GRANT.initial,
        renewals=[],
        suspensions=[],
        granted_at=at,
    )
    session.add(grant)
    session.flush()
    record_event(
        session, KIND, grant.number, act="grant", from_state=None, to_state="active", actor=actor, at=at,
        sides=sides_of(grant), told=told_of(grant),
    )  # fmt: skip
    start_clock(session, KIND, grant.number, _DELIVERY, grant.provider, local_day(at))
    _open_reading(session, grant, at)
    return grant


def move_grant(
    session: Session,
    number: str,
    act: str,
    actor: Actor = SYSTEM,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> AccessGrant:
    """Take one step: suspend, take_back, resume, ask_renewal, renew, endorse_renewal, consent_renewal, revoke, expire.

    A consent to a renewal is to the day that the provider endorsed last.

    Raises:
        MoveRefusedError, NotAPartyError, OwnDecisionError, FactMissingError: as :meth:`Machine.step`.
        MoveRefusedError: also when what would go on is not offered any more, needs the host authority, was suspended
            by another side, or when there is no renewal to consent to.
        KeptBackError: what would go on is forbidden by the negative list.
        ApplicationError: a renewal that does not lengthen the term, or is too long.
    """
    grant, moment, stated = find_grant(session, number), at or utc_now(), dict(facts or {})
    parties = parties_of(actor, requester=grant.department, provider=grant.provider)
    transition = require_step(session, GRANT, KIND, grant, act, actor, parties, stated)
    if act in _GOING_ON:
        entry = require_going_on(session, grant, act)
        fit_to_entry(session, grant, entry, moment)
    if act == "consent_renewal":
        stated["valid_to"] = _endorsed_day(session, grant)
    if act == "suspend":
        add_suspension(grant, actor, parties, str(stated["reason"]), moment)
    elif act in ("take_back", "resume"):
        take_back(grant, act, parties)
    elif "reason" in stated:
        grant.reason = str(stated["reason"])
    if act in ("ask_renewal", *RENEWING):
        until = _longer_term(grant, stated["valid_to"], local_day(moment))
        stated["valid_to"] = until.isoformat()
    if act in ("renew", "consent_renewal"):
        renewal = {"from": grant.valid_to.isoformat(), "to": until.isoformat(), "by": actor.name}
        grant.renewals, grant.valid_to = [*grant.renewals, renewal], until
    if transition.target != "active" or act in ("renew", "consent_renewal"):
        close_reading(session, grant, moment)
    told = told_of(grant) | ({"reason": grant.reason} if actor == SYSTEM and "reason" in stated else {})
    take_step(session, KIND, grant, transition, actor, stated, moment, sides=sides_of(grant), told=told)
    if grant.state in GRANT.final:
        grant.ended_at, grant.suspensions = moment, []
        cancel_clock(session, KIND, grant.number, local_day(moment))
    _run_clock(session, grant, act, local_day(moment))
    session.flush()
    _open_reading(session, grant, moment)
    return grant


def find_grant(session: Session, number: str) -> AccessGrant:
    """Return a grant, locked for this transaction.

    Raises:
        GrantUnknownError: there is none.
    """
    found = session.get(AccessGrant, number, with_for_update=True, populate_existing=True)
    if found is None:
        raise GrantUnknownError(f"no grant {number}", remedy="`python -m catalog grants` shows them")
    return found


def list_access_grants(
    session: Session,
    *,
    provider: str | None = None,
    department: str | None = None,
    state: str | None = None,
    before: str = "",
    limit: int | None = None,
) -> Sequence[AccessGrant]:
    """Return grants, newest first: by provider, by who may read, and state; from below a number on if asked."""
    query = select(AccessGrant)
    wanted = ((AccessGrant.provider, provider), (AccessGrant.department, department), (AccessGrant.state, state))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    return newest(session, query, AccessGrant.number, before, limit)


def expire_grants(session: Session, today: date, *, at: datetime | None = None) -> list[str]:
    """End the grants whose last day is over, and open those whose first day has come; return the numbers ended."""
    moment = at or utc_now()
    over = select(AccessGrant.number).where(
        AccessGrant.state.in_(("active", "suspended")), AccessGrant.valid_to < today
    )
    ended = list(session.scalars(over.order_by(AccessGrant.number)))
    for number in ended:
        move_grant(session, number, "expire", SYSTEM, at=moment)
    begun = select(AccessGrant).where(
        AccessGrant.state == "active", AccessGrant.recipient_grant_id.is_(None), AccessGrant.valid_from <= today
    )
    for grant in session.scalars(begun).all():
        _open_reading(session, grant, moment)
    return ended


def due_for_renewal(session: Session, today: date, *, within_days: int = 30) -> Sequence[AccessGrant]:
    """Return the active grants that end within some days, the nearest first."""
    last = today + timedelta(days=within_days)
    query = select(AccessGrant).where(AccessGrant.state == "active", AccessGrant.valid_to.between(today, last))
    return session.scalars(query.order_by(AccessGrant.valid_to, AccessGrant.number)).all()


def sides_of(grant: AccessGrant) -> Sides:
    """Return who hears of a grant: whose data it opens, and to whom."""
    return {"requester": grant.department, "provider": grant.provider}


def told_of(grant: AccessGrant) -> dict[str, Any]:
    """Return what events about a grant tell."""
    return {name: getattr(grant, name) for name in ("code", "resource", "department", "recipient", "valid_to")}


def is_narrower(row_scope: Mapping[str, Any], items: Iterable[str], entry: Entry) -> bool:
    """Tell whether rows or items are less than what the entry's table has."""
    return bool(row_scope) or not {item.name for item in entry.items} <= set(items)


def fit_to_entry(session: Session, grant: AccessGrant, entry: Entry, at: datetime) -> bool:
    """Note whether a grant is narrower than its entry is now, and let it read or not; tell whether that changed."""
    narrower = is_narrower(grant.row_scope, grant.items, entry)
    if narrower == grant.is_narrower:
        return False
    grant.is_narrower = narrower
    if narrower:
        close_reading(session, grant, at)
    else:
        _open_reading(session, grant, at)
    return True


def is_kept_back(session: Session, grant: AccessGrant) -> bool:
    """Tell whether the negative list forbids an item of a grant now."""
    published = session.scalars(
        select(CatalogueEntry).where(CatalogueEntry.code == grant.code, CatalogueEntry.state == "published")
    ).one_or_none()
    if published is None:
        return False
    return bool(negative_list(session).items(read_entry(published.content, place=published.number), grant.items))


def confirm_delivery(session: Session, number: str, on: date) -> None:
    """Stop the clock of delivery, because the recipient can read."""
    stop_clock(session, KIND, number, on, _DELIVERY)


def close_reading(session: Session, grant: AccessGrant, at: datetime) -> None:
    """Take the recipient's line back, unless another active grant stands behind the same one."""
    line, grant.recipient_grant_id = grant.recipient_grant_id, None
    session.flush()
    if line is None:
        return
    session.execute(update(Grant).where(Grant.id == line, Grant.revoked_at.is_(None)).values(revoked_at=at))
    others = session.scalars(select(AccessGrant).where(AccessGrant.recipient_grant_id == line)).all()
    for other in others:
        other.recipient_grant_id = None
    session.flush()
    for other in others:
        _open_reading(session, other, at)


def _open_reading(session: Session, grant: AccessGrant, at: datetime) -> None:
    """Let the recipient read when the grant is active, in its term, for the whole table, and the table is published."""
    today = local_day(at)
    if grant.state != "active" or grant.is_narrower or grant.mode != "table" or grant.recipient is None:
        return
    if grant.recipient_grant_id is not None or not grant.valid_from <= today <= grant.valid_to:
        return
    if is_kept_back(session, grant):
        return
    version = session.scalars(
        select(ShareVersion).where(ShareVersion.resource == grant.resource, ShareVersion.status == "served")
    ).first()
    recipient = session.scalars(select(Recipient).where(Recipient.name == grant.recipient)).one_or_none()
    if version is None or recipient is None:
        return
    grant.recipient_grant_id = _line(session, recipient, version, grant, at)
    session.flush()
    confirm_delivery(session, grant.number, today)


def _line(session: Session, recipient: Recipient, version: ShareVersion, grant: AccessGrant, at: datetime) -> int:
    """Return the recipient's line on a table, the one that there is or a new one; it ends with its grants' last day."""
    until = datetime.combine(grant.valid_to + timedelta(days=1), time(), ZONE)
    scope = (Grant.share == version.share, Grant.schema_name == version.schema_name)
    line = session.scalars(
        select(Grant).where(
            Grant.recipient_id == recipient.id,
            *scope,
            Grant.table_name == version.table_name,
            Grant.revoked_at.is_(None),
        )
    ).one_or_none()
    if line is not None:
        line.valid_to = max(line.valid_to, until)
        return line.id
    line = Grant(
        recipient_id=recipient.id,
        share=version.share,
        schema_name=version.schema_name,
        table_name=version.table_name,
        purpose=grant.purpose,
        valid_from=at,
        valid_to=until,
    )
    session.add(line)
    session.flush()
    return line.id


def require_going_on(session: Session, grant: AccessGrant, act: str) -> Entry:
    """Return the entry on which a grant goes on, resumed or renewed: as it is today, and with who must be heard.

    Raises:
        MoveRefusedError: the entry is not offered any more, or the host authority must consent and has not or would be
            passed over.
        KeptBackError: the negative list forbids an item by now.
    """
    entry = offered_entry(session, grant.code, grant.items)
    was_heard = session.scalars(select(Application.needs_host).where(Application.number == grant.application)).one()
    if entry.needs_host and not was_heard:
        raise MoveRefusedError(f"{grant.code} needs the host authority's consent by now", remedy="apply again")
    if act in RENEWING and was_heard == (act == "renew"):
        other = "endorse_renewal, then consent_renewal" if was_heard else "renew"
        raise MoveRefusedError(f"{grant.number} is renewed by another way", remedy=other)
    return entry


def _endorsed_day(session: Session, grant: AccessGrant) -> str:
    """Return the last day to which the provider endorsed the renewal that waits for the host authority.

    Raises:
        MoveRefusedError: none waits.
    """
    last = last_step(session, KIND, grant.number, "endorse_renewal", "consent_renewal", "suspend")
    if last is None or last.act != "endorse_renewal":
        raise MoveRefusedError(f"no renewal of {grant.number} waits", remedy="the provider endorses one first")
    return str(last.detail["valid_to"])


def _longer_term(grant: AccessGrant, valid_to: object, today: date) -> date:
    """Return the last day that a renewal states, which lengthens a term that is not over."""
    try:
        until = valid_to if isinstance(valid_to, date) else date.fromisoformat(str(valid_to))
    except ValueError as error:
        raise ApplicationError(f"valid_to {valid_to!r} is no day", remedy="write YYYY-MM-DD") from error
    if not grant.valid_to < until <= today + timedelta(days=LONGEST_TERM_DAYS) or today > grant.valid_to:
        raise ApplicationError(f"{until} does not lengthen the term that ends on {grant.valid_to}, or is too far")
    return until


def _run_clock(session: Session, grant: AccessGrant, act: str, day: date) -> None:
    """Let the answers to a renewal have their limits, as an application's have; a suspension ends what was asked."""
    if act in ("suspend", "resume"):
        _pause_clocks(session, grant, act, day)
    elif act == "ask_renewal" and running_clock(session, KIND, grant.number, _ANSWER) is None:
        start_clock(session, KIND, grant.number, _ANSWER, grant.provider, day)
    elif act in ("renew", "endorse_renewal"):
        stop_clock(session, KIND, grant.number, day, _ANSWER)
    elif act == "consent_renewal":
        stop_clock(session, KIND, grant.number, day, _CONSENT)
    if act == "endorse_renewal" and running_clock(session, KIND, grant.number, _CONSENT) is None:
        start_clock(session, KIND, grant.number, _CONSENT, host_department(), day)


def _pause_clocks(session: Session, grant: AccessGrant, act: str, day: date) -> None:
    """End the clocks of a renewal with a suspension, and let the one of the delivery stand still until it is over."""
    for limit in (_ANSWER, _CONSENT):
        cancel_clock(session, KIND, grant.number, day, limit)
    delivery = running_clock(session, KIND, grant.number, _DELIVERY)
    if delivery is not None:
        (pause_clock if act == "suspend" else resume_clock)(session, KIND, grant.number, day)
