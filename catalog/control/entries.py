"""Entries of the exchange catalogue (目录条目): drafted, reviewed by two sides, published, superseded.

Invariant: what is published went through the provider's secrecy review and personal-information assessment and the
host authority's review, and each review was signed by a person who wrote no word of it and signed no other. What
rests on an entry that is withdrawn or replaced follows in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.catalogue_updates import UPDATE_KIND, want_update
from catalog.control.clocks import cancel_clock, local_day, start_clock, stop_clock
from catalog.control.demands import answer_demand, require_confirmed
from catalog.control.entry_search import index_entry, unindex_entry
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.grant_following import end_with_entry, follow_entry
from catalog.control.kept_back import require_shareable
from catalog.control.life import next_number, record_event, require_step, take_step
from catalog.model.catalogue_entry import Change, Entry, EntryError, differences, drift, read_entry
from catalog.model.departments import host_department
from catalog.model.entry_rights import require_own
from catalog.model.event_kinds import Sides
from catalog.model.procedures import ENTRY
from catalog.model.registry import get_registry
from catalog.model.state_machine import SYSTEM, Actor, MoveRefusedError, NotAPartyError, parties_of

KIND = "catalogue_entry"
_IN_WORK = ("draft", "provider_review", "host_review")


class EntryUnknownError(EntryError):
    """There is no such entry, or none is published."""

    code = "ENTRY_UNKNOWN"


class EntryChangedError(EntryError):
    """A draft was changed after it was read."""

    code = "ENTRY_CHANGED"


def draft_entry(
    session: Session, entry: Entry, actor: Actor, *, demand: str | None = None, at: datetime | None = None
) -> CatalogueEntry:
    """Begin the next version of an entry.

    Raises:
        NotAPartyError: the actor is no officer of the provider.
        EntryError: the code belongs to another provider, or a version is in work already.
        EntryNotOwnError: it speaks for another department's data, or offers more than the contract.
        DemandError: the demand to be answered was not confirmed by the provider.
    """
    moment = at or utc_now()
    if "provider" not in parties_of(actor, provider=entry.provider):
        raise NotAPartyError(f"entries of {entry.provider} are drafted by its own officers")
    require_own(entry, get_registry())
    if demand is not None:
        require_confirmed(session, demand, entry.provider)
    versions = entry_versions(session, entry.code)
    if any(version.provider != entry.provider for version in versions):
        raise EntryError(f"code {entry.code} is another department's", remedy="take a code of your own")
    if any(version.state in _IN_WORK for version in versions):
        raise EntryError(f"a version of {entry.code} is in work already", remedy="edit or withdraw that one")
    record = CatalogueEntry(
        number=next_number(session, KIND, moment.year),
        code=entry.code,
        version=max((version.version for version in versions), default=0) + 1,
        name=entry.name,
        provider=entry.provider,
        resource=entry.resource,
        demand=demand,
        content=entry.model_dump(mode="json"),
        state=ENTRY.initial,
        drafted_by=actor.name,
        revision=1,
        created_at=moment,
    )
    session.add(record)
    session.flush()
    record_event(
        session, KIND, record.number, act="draft", from_state=None, to_state="draft", actor=actor, at=moment,
        sides=_sides(record), told=_told(record),
    )  # fmt: skip
    return record


def edit_draft(
    session: Session, number: str, entry: Entry, actor: Actor, *, revision: int, at: datetime | None = None
) -> CatalogueEntry:
    """Replace the content of a draft; who did is one of its authors from then on.

    Raises:
        EntryChangedError: somebody changed it after ``revision`` was read.
        MoveRefusedError: it is no draft any more.
        NotAPartyError: the actor is no officer of the provider.
        EntryNotOwnError: as :func:`draft_entry`.
    """
    record = find_entry(session, number, lock=True)
    if "provider" not in parties_of(actor, provider=record.provider):
        raise NotAPartyError(f"entries of {record.provider} are edited by its own officers")
    if record.state != "draft":
        raise MoveRefusedError(f"{number} is in state {record.state}", remedy="only drafts are edited")
    if record.revision != revision:
        raise EntryChangedError(f"{number} is at revision {record.revision}", remedy="read it again")
    if (entry.code, entry.provider) != (record.code, record.provider):
        raise EntryError("code and provider of an entry stay", remedy="draft another entry")
    require_own(entry, get_registry())
    record.content, record.name, record.resource = entry.model_dump(mode="json"), entry.name, entry.resource
    record.revision += 1
    record_event(
        session, KIND, number, act="edit", from_state="draft", to_state="draft", actor=actor, at=at or utc_now(),
        sides=_sides(record), told=_told(record), detail={"revision": record.revision},
    )  # fmt: skip
    return record


def move_entry(
    session: Session,
    number: str,
    act: str,
    actor: Actor = SYSTEM,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> CatalogueEntry:
    """Take one step of an entry: submit, endorse, send_back, publish, return, withdraw.

    Raises:
        MoveRefusedError, NotAPartyError, OwnDecisionError, FactMissingError: as :meth:`Machine.step`.
        EntryError: another published entry of the provider has the same name.
        EntryNotOwnError: what is endorsed or published is, by the contracts of today, not the provider's to offer.
        KeptBackError: it shares what the negative list forbids.
    """
    record, moment, stated = find_entry(session, number, lock=True), at or utc_now(), dict(facts or {})
    parties = parties_of(actor, provider=record.provider)
    before = str(record.state)
    transition = require_step(session, ENTRY, KIND, record, act, actor, parties, stated)
    if act in ("endorse", "publish"):
        entry = content_of(record)
        require_own(entry, get_registry())
        shared = [item.name for item in entry.items if item.share_type != "refused"]
        require_shareable(session, entry, shared, record.number)
    if act == "endorse":
        record.secrecy_review, record.personal_assessment = stated["secrecy_review"], stated["personal_assessment"]
        record.endorsed_by = actor.name
    if act == "publish":
        _make_room(session, record, moment)
        record.published_by, record.published_at = actor.name, moment
    if "reason" in stated:
        record.reason = str(stated["reason"])
    if transition.target == "withdrawn":
        record.ended_at = moment
    session.flush()
    take_step(session, KIND, record, transition, actor, stated, moment, sides=_sides(record), told=_told(record))
    session.flush()
    _follow(session, record, before, act, moment)
    return record


def find_entry(session: Session, number: str, *, lock: bool = False) -> CatalogueEntry:
    """Return one version of an entry by its number.

    Raises:
        EntryUnknownError: there is none.
    """
    found = session.get(CatalogueEntry, number, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise EntryUnknownError(f"no entry {number}", remedy="`python -m catalog entries list` shows them")
    return found


def published_entry(session: Session, code: str) -> CatalogueEntry:
    """Return the published version of a code.

    Raises:
        EntryUnknownError: there is none.
    """
    query = select(CatalogueEntry).where(CatalogueEntry.code == code, CatalogueEntry.state == "published")
    found = session.scalars(query).one_or_none()
    if found is None:
        raise EntryUnknownError(f"no entry is published under {code}", remedy="search the catalogue")
    return found


def entry_versions(session: Session, code: str) -> Sequence[CatalogueEntry]:
    """Return all versions of a code, oldest first."""
    return session.scalars(
        select(CatalogueEntry).where(CatalogueEntry.code == code).order_by(CatalogueEntry.version)
    ).all()


def list_entries(
    session: Session, *, provider: str | None = None, state: str | None = None, limit: int = 100, after: str = ""
) -> Sequence[CatalogueEntry]:
    """Return entries by number, of one provider and state if asked."""
    query = select(CatalogueEntry).where(CatalogueEntry.number > after).order_by(CatalogueEntry.number).limit(limit)
    if provider is not None:
        query = query.where(CatalogueEntry.provider == provider)
    if state is not None:
        query = query.where(CatalogueEntry.state == state)
    return session.scalars(query).all()


def content_of(record: CatalogueEntry) -> Entry:
    """Return what an entry says."""
    return read_entry(record.content, place=record.number)


def entry_changes(session: Session, number: str) -> list[Change]:
    """Return how a version differs from the one before it; everything is new in a first version."""
    record = find_entry(session, number)
    earlier = [v for v in entry_versions(session, record.code) if v.version < record.version]
    if not earlier:
        return [Change("entry", None, record.name)]
    return differences(content_of(earlier[-1]), content_of(record))


def watch_drift(session: Session, now: Mapping[str, Entry], today: date) -> list[str]:
    """Start the clock of the catalogue's update for every published entry that its source has left.

    Args:
        session: An open transaction.
        now: Code → the entry that the contract leads to today.
        today: Official day.

    Returns:
        Codes whose clock was started now.
    """
    started = []
    published = select(CatalogueEntry).where(CatalogueEntry.state == "published", CatalogueEntry.code.in_(now))
    for record in session.scalars(published.order_by(CatalogueEntry.code)):
        if not drift(content_of(record), now[record.code]):
            continue
        if want_update(session, record, today):
            started.append(record.code)
    return started


def _sides(record: CatalogueEntry) -> Sides:
    return {"provider": record.provider}


def _told(record: CatalogueEntry) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("code", "name", "version", "resource")}


def _make_room(session: Session, record: CatalogueEntry, moment: datetime) -> None:
    """Let the published version give way to ``record``."""
    same_name = select(func.count()).where(
        CatalogueEntry.provider == record.provider,
        CatalogueEntry.name == record.name,
        CatalogueEntry.state == "published",
        CatalogueEntry.code != record.code,
    )
    if session.scalar(same_name):
        raise EntryError(f"{record.provider} has published an entry called {record.name}", remedy="choose another name")
    for earlier in entry_versions(session, record.code):
        if earlier.state == "published":
            step = require_step(session, ENTRY, KIND, earlier, "supersede", SYSTEM, {"system"}, {})
            take_step(session, KIND, earlier, step, SYSTEM, {}, moment, sides=_sides(earlier), told=_told(earlier))
            earlier.ended_at = moment
            unindex_entry(session, earlier.number)
            follow_entry(session, record, content_of(earlier), content_of(record), moment)
    session.flush()


def _follow(session: Session, record: CatalogueEntry, before: str, act: str, moment: datetime) -> None:
    """Let clocks, search and the demand follow a step."""
    day = local_day(moment)
    if act == "endorse":
        start_clock(session, KIND, record.number, "host_review", host_department(), day)
    elif act in ("publish", "return"):
        stop_clock(session, KIND, record.number, day)
    if act == "publish":
        index_entry(session, record, content_of(record))
        stop_clock(session, UPDATE_KIND, record.code, day)
        if record.demand is not None:
            answer_demand(session, record.demand, record.number, moment)
    if act == "withdraw":
        cancel_clock(session, KIND, record.number, day)
        if before == "published":
            unindex_entry(session, record.number)
            cancel_clock(session, UPDATE_KIND, record.code, day)
            end_with_entry(session, record, moment)
