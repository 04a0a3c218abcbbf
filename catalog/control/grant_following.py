"""Grants follow their entry (授权随目录变化): what is withdrawn, kept back or shared on harder terms is not read on.

Each step is part of the transaction that publishes, withdraws or lists, is in the audit, and reaches the holders by
event and webhook.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.events import emit
from catalog.control.grant_tables import AccessGrant
from catalog.control.grants import fit_to_entry, move_grant
from catalog.control.kept_back import told
from catalog.control.suspensions import stands
from catalog.model.caller import Caller
from catalog.model.catalogue_entry import Entry, EntryItem
from catalog.model.departments import host_department
from catalog.model.state_machine import SYSTEM

PLATFORM = Caller("service", 0, "platform", "")
"""The platform itself, in the audit."""


def end_with_entry(session: Session, entry: CatalogueEntry, at: datetime) -> None:
    """Revoke every grant on an entry that was withdrawn."""
    for grant in _grants_on(session, entry.code):
        _tell(session, grant, "revoke", f"entry {entry.number} was withdrawn: {entry.reason}", at)


def suspend_kept_back(session: Session, entry: CatalogueEntry, listed: Mapping[str, str], at: datetime) -> None:
    """Suspend every grant on an entry that has an item which the negative list keeps back, for this reason too.

    Args:
        session: the transaction that lists.
        entry: the published version.
        listed: item → the law that forbids sharing it.
        at: the moment.
    """
    for grant in _grants_on(session, entry.code):
        held = {name: listed[name] for name in grant.items if name in listed}
        if held:
            _suspend(session, grant, f"负面清单 (the negative list) keeps back {told(held)}", at)


def follow_entry(session: Session, entry: CatalogueEntry, before: Entry, now: Entry, at: datetime) -> None:
    """Let the grants follow a new version: suspended on harder terms, narrower when the entry has got more items.

    Args:
        session: the transaction that publishes.
        entry: the version that is published.
        before: what the version said that it replaces.
        now: what it says itself.
        at: the moment.
    """
    for grant in _grants_on(session, entry.code):
        harder = harder_terms(before, now, grant.items)
        if harder:
            _suspend(session, grant, f"entry {entry.number}: {'; '.join(harder)}", at)
        if fit_to_entry(session, grant, now, at) and grant.is_narrower:
            _tell(session, grant, "narrow", f"entry {entry.number} has items that the grant does not have", at)


def harder_terms(before: Entry, now: Entry, items: Sequence[str]) -> list[str]:
    """Return in which ways some items are shared on harder terms than before; empty when they are not.

    An item that is gone or refused, a stricter share type, another condition, conditions of use that changed, and a
    consent of the host authority that was not needed before: each was not weighed when the grant was given.
    """
    found = []
    for name in items:
        found += _harder_item(name, before.item(name), now.item(name))
    if before.use_conditions != now.use_conditions:
        found.append("its conditions of use changed")
    if now.needs_host and not before.needs_host:
        found.append("the host authority's consent is needed now")
    return found


def _harder_item(name: str, old: EntryItem | None, new: EntryItem | None) -> list[str]:
    if new is None or new.share_type == "refused":
        return [f"{name} is no longer shared"]
    if new.share_type == "conditional" and (
        old is None or (old.share_type, old.condition) != ("conditional", new.condition)
    ):
        return [f"the condition of {name} changed"]
    return []


def _grants_on(session: Session, code: str) -> Sequence[AccessGrant]:
    query = select(AccessGrant).where(AccessGrant.code == code, AccessGrant.state.in_(("active", "suspended")))
    return session.scalars(query.order_by(AccessGrant.number).with_for_update()).all()


def _suspend(session: Session, grant: AccessGrant, reason: str, at: datetime) -> None:
    """Suspend a grant for a reason, also one that is suspended for others; the same reason stands once."""
    if not stands(grant, "system", reason):
        _tell(session, grant, "suspend", reason, at)


def _tell(session: Session, grant: AccessGrant, act: str, reason: str, at: datetime) -> None:
    """Record and announce what happens to a grant, and do it."""
    place = f"grant:{grant.number}"
    record(session, PLATFORM, f"grant.{act}", place, detail={"reason": reason})
    concerned = (grant.department, grant.provider, host_department())
    emit(session, f"grant.{act}", place, departments=concerned, payload={"reason": reason})
    if act != "narrow":
        move_grant(session, grant.number, act, SYSTEM, {"reason": reason}, at=at)
