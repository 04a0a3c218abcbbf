"""Applications (共享申请): what needs no review is approved at once, the rest goes to the provider and the host.

Invariant: an approved application has exactly one grant, and no other has one. Where the entry says so, none is
approved without the host authority: not by the provider alone, nor by a dispute that the host did not hear.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.control.acting import is_one_person
from catalog.control.base import utc_now
from catalog.control.clocks import cancel_clock, local_day, pause_clock, resume_clock, start_clock, stop_clock
from catalog.control.entries import content_of, published_entry
from catalog.control.events import tell
from catalog.control.grant_tables import AccessGrant, Application, StandingAuthorisation
from catalog.control.grants import give_grant
from catalog.control.kept_back import require_shareable
from catalog.control.life import last_step, newest, next_number, record_event, require_step, take_step
from catalog.control.offered import offered_entry
from catalog.control.recipients import recipient_names
from catalog.model.application_form import ApplicationError, ApplicationForm, Narrowing, items_asked, require_narrower
from catalog.model.catalogue_entry import Entry
from catalog.model.departments import get_department, host_department
from catalog.model.event_kinds import Sides
from catalog.model.procedures import APPLICATION
from catalog.model.state_machine import SYSTEM, Actor, MoveRefusedError, NotAPartyError, parties_of

KIND = "application"
DECIDING = ("approve", "refuse", "consent", "object", "approve_automatically", "overturn")
_TO_HOST = ("endorse", "remit")


class ApplicationUnknownError(ApplicationError):
    """There is no application of this number."""

    code = "APPLICATION_UNKNOWN"


def submit_application(
    session: Session, form: ApplicationForm, actor: Actor, *, at: datetime | None = None
) -> Application:
    """Apply for data of a published entry; what is shared without condition, or allowed in advance, is granted at once.

    Raises:
        NotAPartyError: the actor is no requester's officer.
        EntryUnknownError, ApplicationError, RecipientError: nothing is published under the code; items are unknown or
            not shared; the department provides the data itself; the recipient is not its own.
        KeptBackError: the negative list forbids an item.
    """
    moment = at or utc_now()
    if "requester" not in parties_of(actor, requester=actor.department):
        raise NotAPartyError("applications are submitted by a department's officer for requests")
    published = published_entry(session, form.code)
    entry = content_of(published)
    items = items_asked(form, entry)
    _require_sound(session, form, entry, actor, local_day(moment))
    require_shareable(session, entry, items, form.code)
    record = Application(
        number=next_number(session, KIND, moment.year),
        entry=published.number,
        provider=entry.provider,
        department=actor.department,
        share_type=entry.strictest(items),
        needs_host=entry.needs_host,
        state=APPLICATION.initial,
        submitted_by=actor.name,
        submitted_at=moment,
        **{
            **form.model_dump(),
            "items": list(items),
            "row_scope": {} if form.row_scope.is_whole else form.row_scope.model_dump(mode="json"),
        },
    )
    session.add(record)
    session.flush()
    record_event(
        session, KIND, record.number, act="submit", from_state=None, to_state=record.state, actor=actor, at=moment,
        sides=_sides(record), told=_told(record),
    )  # fmt: skip
    limit = "reply_unconditional" if record.share_type == "unconditional" else "reply_conditional"
    start_clock(session, KIND, record.number, limit, record.provider, local_day(moment))
    rule = _rule_for(session, record, local_day(moment))
    if rule is not None:
        move_application(session, record.number, "approve_automatically", SYSTEM, {"rule": rule}, at=moment)
    return record


def move_application(
    session: Session,
    number: str,
    act: str,
    actor: Actor = SYSTEM,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> Application:
    """Take one step: ask_papers, supply_papers, endorse, approve, refuse, consent, object, withdraw.

    An endorsement or approval may narrow what is granted with ``items``, ``quota_per_day`` and ``valid_to``; a consent
    gives no more than was endorsed.

    Raises:
        MoveRefusedError, NotAPartyError, OwnDecisionError, FactMissingError: as :meth:`Machine.step`; also when
            somebody else would approve what the host authority must consent to or has objected to, or when the entry
            was withdrawn or replaced by one that asks for more.
        ApplicationError: an approval would widen what was asked for or endorsed.
        KeptBackError: the negative list forbids an item by now.
    """
    record, moment, stated = find_application(session, number), at or utc_now(), dict(facts or {})
    parties = parties_of(actor, requester=record.department, provider=record.provider)
    transition = require_step(session, APPLICATION, KIND, record, act, actor, parties, stated)
    _require_way(session, record, act)
    narrowing = _narrowing(session, record, stated)
    gives = transition.target in ("endorsed", "approved")
    entry = _offered(session, record, narrowing.items or record.items) if gives else None
    if "reason" in stated:
        record.reason = str(stated["reason"])
    if act == "endorse":
        record.endorsed_by = actor.name
    if act in DECIDING:
        record.decided_by, record.decided_at = actor.name, moment
        record.rule = str(stated["rule"]) if "rule" in stated else record.rule
    take_step(session, KIND, record, transition, actor, stated, moment, sides=_sides(record), told=_told(record))
    session.flush()
    _run_clocks(session, record, act, local_day(moment))
    if entry is not None and record.state == "approved":
        give_grant(session, record, entry, narrowing, actor, moment)
    return record


def overturn_refusal(session: Session, number: str, dispute: str, by: Actor, *, at: datetime | None = None) -> None:
    """Undo a refusal by a dispute: what the host authority has not heard goes on to it, all else is approved.

    Raises:
        MoveRefusedError, KeptBackError: as :func:`move_application`.
    """
    act = "remit" if _awaits_host(session, find_application(session, number)) else "overturn"
    record = move_application(session, number, act, SYSTEM, {"dispute": dispute}, at=at)
    if act == "remit":
        record.endorsed_by, record.decided_by, record.decided_at = by.name, None, None
        session.flush()


def is_refused_by_host(session: Session, number: str) -> bool:
    """Tell whether it was the host authority that refused an application last."""
    last = last_step(session, KIND, number, "refuse", "object")
    return last is not None and last.act == "object"


def find_application(session: Session, number: str) -> Application:
    """Return an application, locked for this transaction.

    Raises:
        ApplicationUnknownError: there is none.
    """
    found = session.get(Application, number, with_for_update=True, populate_existing=True)
    if found is None:
        raise ApplicationUnknownError(f"no application {number}", remedy="`python -m catalog applications` lists them")
    return found


def list_applications(
    session: Session,
    *,
    provider: str | None = None,
    department: str | None = None,
    state: str | None = None,
    before: str = "",
    limit: int | None = None,
) -> Sequence[Application]:
    """Return applications, newest first: by provider, by who applies, and state; from below a number on if asked."""
    query = select(Application)
    wanted = ((Application.provider, provider), (Application.department, department), (Application.state, state))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    return newest(session, query, Application.number, before, limit)


def grant_of(session: Session, number: str) -> AccessGrant | None:
    """Return the grant of an application, once it is approved."""
    return session.scalars(select(AccessGrant).where(AccessGrant.application == number)).one_or_none()


def authorise_standing(
    session: Session,
    *,
    code: str,
    department: str,
    items: Sequence[str],
    valid_from: date,
    valid_to: date,
    actor: Actor,
    service_item: str | None = None,
    at: datetime | None = None,
) -> StandingAuthorisation:
    """Allow a department in advance what lies within items, service item and term (常态化授权).

    Raises:
        NotAPartyError: the actor is no officer of the provider.
        ApplicationError: the entry goes to the host authority, does not share an item, or the term is out of order.
        KeptBackError: the negative list forbids an item.
    """
    moment, entry = at or utc_now(), content_of(published_entry(session, code))
    if "provider" not in parties_of(actor, provider=entry.provider):
        raise NotAPartyError(f"{entry.provider} alone allows its data in advance")
    names = {item.name for item in entry.items if item.share_type != "refused"}
    if entry.needs_host or valid_to < valid_from or not items or set(items) - names:
        raise ApplicationError(
            "such an authorisation cannot stand", place=code, remedy="see items, term and needs_host"
        )
    require_shareable(session, entry, items, code)
    record = StandingAuthorisation(
        number=next_number(session, "standing_authorisation", moment.year),
        code=code,
        provider=entry.provider,
        department=get_department(department).id,
        items=list(items),
        service_item=service_item,
        valid_from=valid_from,
        valid_to=valid_to,
        decided_by=actor.name,
        created_at=moment,
    )
    session.add(record)
    session.flush()
    _tell_standing(session, "standing.allow", record)
    return record


def revoke_standing(
    session: Session, number: str, actor: Actor, *, at: datetime | None = None
) -> StandingAuthorisation:
    """End a standing authorisation; grants that were given under it stay until they are revoked themselves.

    Raises:
        ApplicationUnknownError: there is none of the actor's department.
        NotAPartyError: the actor is no officer of the provider.
    """
    record = session.get(StandingAuthorisation, number, with_for_update=True)
    if record is None or record.provider != actor.department:
        raise ApplicationUnknownError(f"no standing authorisation {number} of {actor.department}")
    if "provider" not in parties_of(actor, provider=record.provider):
        raise NotAPartyError(f"{record.provider} alone ends what it allowed in advance")
    if record.revoked_at is None:
        record.revoked_at = at or utc_now()
        session.flush()
        _tell_standing(session, "standing.end", record)
    return record


def _tell_standing(session: Session, kind: str, record: StandingAuthorisation) -> None:
    told = {name: getattr(record, name) for name in ("number", "code", "department", "items", "valid_from", "valid_to")}
    tell(session, kind, f"standing:{record.number}", _sides(record), told)


def _sides(record: Application | StandingAuthorisation) -> Sides:
    return {"requester": record.department, "provider": record.provider}


def _told(record: Application) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("code", "department", "rule")}


def _require_way(session: Session, record: Application, act: str) -> None:
    """Accept the acts that lead to a grant on the way that the entry prescribes: with the host authority or without."""
    if act in ("approve", "endorse") and record.needs_host != (act == "endorse"):
        other = "endorse" if record.needs_host else "approve"
        raise MoveRefusedError(f"{record.number} is decided by another way", remedy=f"{other} it")
    if act in ("overturn", "remit") and _awaits_host(session, record) != (act == "remit"):
        raise MoveRefusedError(
            f"{record.number} is not without the host authority", remedy="the host authority decides"
        )


def _awaits_host(session: Session, record: Application) -> bool:
    """Tell whether a refused application has never come before the host authority, which must consent to it."""
    return record.needs_host and not is_refused_by_host(session, record.number)


def _narrowing(session: Session, record: Application, stated: Mapping[str, Any]) -> Narrowing:
    """Return what is given: as it is stated, and never more than the provider endorsed."""
    endorsement = last_step(session, KIND, record.number, "endorse")
    before = _stated_narrowing(endorsement.detail if endorsement is not None else {})
    now = _stated_narrowing(stated)
    require_narrower(
        now, before.items or record.items, before.quota_per_day or record.volume_per_day, record.term_from,
        before.valid_to or record.term_to,
    )  # fmt: skip
    return before.model_copy(update=now.model_dump(exclude_none=True))


def _stated_narrowing(stated: Mapping[str, Any]) -> Narrowing:
    return Narrowing.model_validate({key: stated[key] for key in Narrowing.model_fields if key in stated})


def _offered(session: Session, record: Application, items: Collection[str]) -> Entry:
    """Return the published entry on which an application can be approved: as it is today, not as it was."""
    entry = offered_entry(session, record.code, items)
    if entry.needs_host and not record.needs_host:
        raise MoveRefusedError(f"{record.code} needs the host authority's consent by now", remedy="apply again")
    return entry


def _require_sound(session: Session, form: ApplicationForm, entry: Entry, actor: Actor, today: date) -> None:
    if entry.provider == actor.department:
        raise ApplicationError(f"{entry.provider} provides {entry.code} itself", remedy="read your own data directly")
    if form.term_to < today:
        raise ApplicationError(f"the term ended on {form.term_to}", remedy="state a term that is not over")
    if form.recipient is not None and form.recipient not in recipient_names(session, actor.department):
        raise ApplicationError(
            f"{actor.department} has no recipient {form.recipient}", remedy="name a receiving system of your department"
        )


def _rule_for(session: Session, record: Application, today: date) -> str | None:
    """Return by which rule an application needs no review, if there is one; nobody allows their own in advance.

    What was allowed in advance allows no version of before.
    """
    if record.needs_host:
        return None
    if record.share_type == "unconditional":
        return "unconditional"
    if record.opens_earlier:
        return None
    query = select(StandingAuthorisation).where(
        StandingAuthorisation.code == record.code,
        StandingAuthorisation.department == record.department,
        StandingAuthorisation.items.contains(record.items),
        or_(StandingAuthorisation.service_item.is_(None), StandingAuthorisation.service_item == record.service_item),
        StandingAuthorisation.revoked_at.is_(None),
        StandingAuthorisation.valid_from <= today,
        StandingAuthorisation.valid_to >= record.term_to,
    )
    for standing in session.scalars(query.order_by(StandingAuthorisation.number)):
        if not is_one_person(session, record.submitted_by, [standing.decided_by]):
            return standing.number
    return None


def _run_clocks(session: Session, record: Application, act: str, day: date) -> None:
    """Let the clock of the answer follow: it waits for papers, and a second one runs for the host authority."""
    if act == "ask_papers":
        pause_clock(session, KIND, record.number, day)
    elif act == "supply_papers":
        resume_clock(session, KIND, record.number, day)
    elif act in _TO_HOST:
        stop_clock(session, KIND, record.number, day)
        start_clock(session, KIND, record.number, "host_review", host_department(), day)
    elif act in DECIDING:
        stop_clock(session, KIND, record.number, day)
    elif act == "withdraw":
        cancel_clock(session, KIND, record.number, day)
