"""Demands (目录外需求): routed to the likely source, confirmed, refused or passed on, and answered by an entry."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.clocks import cancel_clock, local_day, start_clock, stop_clock
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.kept_back import KeptBackError, negative_list, told
from catalog.control.life import newest, next_number, record_event, require_step, take_step
from catalog.control.list_tables import Demand
from catalog.model.catalogue_entry import read_entry
from catalog.model.departments import get_department, host_department
from catalog.model.elements import load_elements
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import Sides
from catalog.model.procedures import DEMAND
from catalog.model.routing import DemandForm, candidates, elements_named
from catalog.model.state_machine import SYSTEM, Actor, NotAPartyError, parties_of

KIND = "demand"


class DemandError(GuantongError):
    """A demand cannot go there."""

    code = "DEMAND_INVALID"


class DemandUnknownError(DemandError):
    """There is no demand of this number."""

    code = "DEMAND_UNKNOWN"


def raise_demand(session: Session, form: DemandForm, actor: Actor, *, at: datetime | None = None) -> Demand:
    """Bring in a demand, and ask the likeliest source department; without one it waits for the host authority.

    What the catalogue has already is answered with its entry at once, before any limit runs.

    Raises:
        NotAPartyError: the actor is no requester's officer.
    """
    moment = at or utc_now()
    if "requester" not in parties_of(actor, requester=actor.department):
        raise NotAPartyError("demands are raised by a department's officer for requests")
    found = candidates(form, load_elements(), local_day(moment), requester=actor.department)
    record = Demand(
        number=next_number(session, KIND, moment.year),
        **{**form.model_dump(), "elements": list(form.elements)},
        department=actor.department,
        raised_by=actor.name,
        candidates=[{"department": c.department, "weight": c.weight, "reasons": list(c.reasons)} for c in found],
        state=DEMAND.initial,
        raised_at=moment,
    )
    session.add(record)
    session.flush()
    record_event(
        session, KIND, record.number, act="raise", from_state=None, to_state="raised", actor=actor, at=moment,
        sides=_sides(record), told=_told(record),
    )  # fmt: skip
    published = published_already(session, form, actor.department, local_day(moment))
    if published is not None:
        told_so = f"目录已发布，请直接申请 (it is published, apply for it): {published.code} {published.name}"
        move_demand(session, record.number, "answer", SYSTEM, {"entry": published.number, "reason": told_so}, at=moment)
    elif found:
        move_demand(session, record.number, "route", SYSTEM, {"department": found[0].department}, at=moment)
    else:
        start_clock(session, KIND, record.number, "host_review", host_department(), local_day(moment))
    return record


def move_demand(
    session: Session,
    number: str,
    act: str,
    actor: Actor = SYSTEM,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> Demand:
    """Take one step of a demand: route, confirm, refuse, pass_on, assign, withdraw.

    Raises:
        MoveRefusedError, NotAPartyError, OwnDecisionError, FactMissingError: as :meth:`Machine.step`.
        DepartmentUnknownError, DemandError: the department asked does not exist, or is the one that asks.
        KeptBackError: what is confirmed is forbidden by the negative list.
    """
    record, moment, stated = find_demand(session, number), at or utc_now(), dict(facts or {})
    asked_before = record.asked_department
    parties = parties_of(actor, requester=record.department, provider=asked_before or "")
    transition = require_step(session, DEMAND, KIND, record, act, actor, parties, stated)
    if act in ("route", "assign"):
        record.asked_department = get_department(str(stated["department"])).id
        if record.asked_department == record.department:
            raise DemandError(f"{record.department} asks and cannot be the source", remedy="name another department")
    if act == "confirm":
        _require_shareable(session, record, local_day(moment))
    if "reason" in stated:
        record.reason = str(stated["reason"])
    if act in ("catalogue", "answer"):
        record.entry = str(stated["entry"])
    sides = _sides(record, asked_before)
    take_step(session, KIND, record, transition, actor, stated, moment, sides=sides, told=_told(record))
    record.ended_at = moment if record.state in DEMAND.final else None
    session.flush()
    _run_clocks(session, record, act, local_day(moment))
    return record


def published_already(session: Session, form: DemandForm, requester: str, day: date) -> CatalogueEntry | None:
    """Return the published entry of another department that shares all that is demanded; None where there is none.

    Every element demanded is known and among the items that the entry shares now.

    Args:
        session: An open transaction.
        form: What is demanded.
        requester: Department that asks: its own entries are no answer.
        day: Official day.
    """
    in_force = load_elements().in_force(day)
    wanted = [{element.id for element in elements_named([name], in_force)} for name in form.elements]
    listed = negative_list(session)
    query = select(CatalogueEntry).where(CatalogueEntry.state == "published", CatalogueEntry.provider != requester)
    for entry in session.scalars(query.order_by(CatalogueEntry.code)):
        content = listed.shared(read_entry(entry.content, place=entry.number))
        shared = {item.element for item in content.items if item.share_type != "refused"}
        if all(names & shared for names in wanted):
            return entry
    return None


def answer_demand(session: Session, number: str, entry: str, at: datetime) -> None:
    """Close a confirmed demand with the entry that answers it; one that is not confirmed stays as it is."""
    if find_demand(session, number).state == "confirmed":
        move_demand(session, number, "catalogue", SYSTEM, {"entry": entry}, at=at)


def require_confirmed(session: Session, number: str, department: str) -> None:
    """Accept a demand that a department has confirmed.

    Raises:
        DemandUnknownError: no demand of this number was put to the department.
        DemandError: the department has not confirmed it.
    """
    record = find_demand(session, number)
    if record.asked_department != department:
        raise DemandUnknownError(f"no demand {number} was put to {department}")
    if record.state != "confirmed":
        raise DemandError(f"{number} was not confirmed by {department}", remedy="confirm it first")


def find_demand(session: Session, number: str) -> Demand:
    """Return a demand, locked for this transaction.

    Raises:
        DemandUnknownError: there is none.
    """
    found = session.get(Demand, number, with_for_update=True, populate_existing=True)
    if found is None:
        raise DemandUnknownError(f"no demand {number}", remedy="`python -m catalog demands` lists them")
    return found


def list_demands(
    session: Session,
    *,
    department: str | None = None,
    asked: str | None = None,
    state: str | None = None,
    before: str = "",
    limit: int | None = None,
) -> Sequence[Demand]:
    """Return the demand list (需求清单), newest first: by who asks, who is asked, and state; from below a number on."""
    query = select(Demand)
    for column, wanted in ((Demand.department, department), (Demand.asked_department, asked), (Demand.state, state)):
        if wanted is not None:
            query = query.where(column == wanted)
    return newest(session, query, Demand.number, before, limit)


def _sides(record: Demand, before: str | None = None) -> Sides:
    """Return who hears of a demand: who asks, who is asked, and who was asked until now."""
    return {"requester": record.department, "provider": {record.asked_department or "", before or ""}}


def _told(record: Demand) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("title", "department", "asked_department", "entry")}


def _require_shareable(session: Session, record: Demand, day: date) -> None:
    wanted = [element.id for element in elements_named(record.elements, load_elements().in_force(day))]
    if listed := negative_list(session).of(str(record.asked_department), wanted):
        raise KeptBackError(
            f"负面清单 (the negative list) keeps back {told(listed)}", remedy="refuse the demand with it"
        )


def _run_clocks(session: Session, record: Demand, act: str, day: date) -> None:
    """Let the clocks follow: the source's runs until the entry is published, the host's until it names a source."""
    if act in ("route", "assign"):
        stop_clock(session, KIND, record.number, day)
        start_clock(session, KIND, record.number, "confirm_uncatalogued", str(record.asked_department), day)
    elif act == "pass_on":
        stop_clock(session, KIND, record.number, day)
        start_clock(session, KIND, record.number, "host_review", host_department(), day)
    elif act in ("refuse", "catalogue"):
        stop_clock(session, KIND, record.number, day)
    elif act == "withdraw":
        cancel_clock(session, KIND, record.number, day)
