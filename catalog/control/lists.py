"""Responsibility and negative lists (责任清单, 负面清单): who must share what by when, and what no law lets share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.control.acting import is_one_person, require_accountable
from catalog.control.base import utc_now
from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import local_day, start_dated_clock, stop_clock
from catalog.control.closings import closing_of
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.events import tell
from catalog.control.list_tables import NegativeListing, Responsibility
from catalog.control.listing_following import follow_listing
from catalog.control.tables import Batch, ShareVersion
from catalog.model.departments import get_department
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import Sides
from catalog.model.state_machine import Actor, NotAPartyError, OwnDecisionError

KIND = "responsibility"


class ListError(GuantongError):
    """A line of a list is unknown, stands twice or lacks what it must state."""

    code = "LIST_INVALID"


@dataclass(frozen=True)
class Duty:
    """One line of a batch before it is assigned."""

    title: str
    department: str
    due_on: date
    citation: str
    resource: str | None = None


def assign_batch(session: Session, duties: Sequence[Duty], actor: Actor, *, at: datetime | None = None) -> int:
    """Assign a batch of responsibilities, and return its number.

    Raises:
        NotAPartyError: the actor is not the host authority.
        ListError: a line stands twice, lacks its citation, or the batch is empty.
        DepartmentUnknownError: a line names no department.
    """
    _require_host(actor)
    keys = [(duty.department, duty.title) for duty in duties]
    if not duties or len(set(keys)) != len(keys) or not all(duty.title and duty.citation for duty in duties):
        raise ListError("a batch has lines, each once and with its citation")
    batch = (session.scalar(select(func.max(Responsibility.batch))) or 0) + 1
    moment = at or utc_now()
    lines = [
        Responsibility(
            batch=batch,
            title=duty.title,
            department=get_department(duty.department).id,
            resource=duty.resource,
            due_on=duty.due_on,
            citation=duty.citation,
            assigned_by=actor.name,
            assigned_at=moment,
        )
        for duty in duties
    ]
    session.add_all(lines)
    session.flush()
    for line in lines:
        tell_responsibility(session, "responsibility.assign", line)
        _start_clock(session, line)
    return batch


def tell_responsibility(session: Session, kind: str, line: Responsibility) -> None:
    """Tell the department of a responsibility, and whom else the kind concerns, what has come of it."""
    told = {name: getattr(line, name) for name in ("batch", "title", "resource", "due_on")}
    sides: Sides = {"provider": line.department}
    tell(session, kind, f"responsibility:{line.id}", sides, {"number": number_of(line), **told})


def number_of(line: Responsibility) -> str:
    """Return the number by which clocks and notices name a responsibility: RSP, year of assignment, serial.

    >>> number_of(Responsibility(id=7, assigned_at=datetime.fromisoformat("2025-12-31T18:00:00+00:00")))
    'RSP-2026-000007'
    """
    return f"RSP-{local_day(line.assigned_at).year}-{line.id:06d}"


def clocks_of_lines(session: Session, lines: Sequence[Responsibility]) -> dict[str, ClockRecord]:
    """Return number → clock of some responsibilities, in one query."""
    query = select(ClockRecord).where(ClockRecord.kind == KIND, ClockRecord.number.in_([number_of(x) for x in lines]))
    return {clock.number: clock for clock in session.scalars(query.order_by(ClockRecord.id))}


def start_missing_clocks(session: Session) -> None:
    """Start the clocks of open responsibilities that have none, as those assigned before responsibilities had any."""
    lines = session.scalars(select(Responsibility).where(Responsibility.fulfilled_on.is_(None))).all()
    known = clocks_of_lines(session, lines)
    for line in lines:
        if number_of(line) not in known:
            _start_clock(session, line)


def _start_clock(session: Session, line: Responsibility) -> None:
    on = local_day(line.assigned_at)
    number, owner = number_of(line), line.department
    start_dated_clock(session, KIND, number, "responsibility", owner, on, line.due_on, line.citation)


def fulfil(session: Session, line_id: int, resource: str, actor: Actor, on: date) -> Responsibility:
    """Note a responsibility as fulfilled, with the proof that the platform itself has: entry, version, freshness.

    Raises:
        NotAPartyError: the actor belongs to another department.
        OwnDecisionError: the person behind the actor assigned it.
        SystemUnaccountableError: a system acts for which no officer answers.
        ListError: there is no such line, it is fulfilled already, or the resource is not published or not served.
    """
    line = session.get(Responsibility, line_id, with_for_update=True)
    if line is None or line.fulfilled_on is not None:
        raise ListError(f"no open responsibility {line_id}", remedy="`python -m catalog responsibilities`")
    if actor.department != line.department or "provider_officer" not in actor.roles:
        raise NotAPartyError(f"responsibilities of {line.department} are fulfilled by its own officers")
    require_accountable(session, actor.name)
    if is_one_person(session, actor.name, [line.assigned_by]):
        raise OwnDecisionError(f"{actor.name} assigned this and cannot fulfil it", remedy="another officer fulfils it")
    line.evidence = evidence_of(session, resource, line.department)
    line.resource, line.fulfilled_on = resource, on
    stop_clock(session, KIND, number_of(line), on)
    session.flush()
    tell_responsibility(session, "responsibility.fulfil", line)
    return line


def evidence_of(session: Session, resource: str, department: str) -> dict[str, Any]:
    """Return what proves that a resource is shared: its entry, its first version, its newest delivery.

    Raises:
        ListError: it has no published entry of the department, or no version that may be read is served.
    """
    entry = session.scalars(
        select(CatalogueEntry).where(
            CatalogueEntry.resource == resource,
            CatalogueEntry.provider == department,
            CatalogueEntry.state == "published",
        )
    ).first()
    versions = select(ShareVersion).where(ShareVersion.resource == resource).order_by(ShareVersion.version)
    first = session.scalars(versions.limit(1)).one_or_none()
    served = session.scalars(versions.where(ShareVersion.status == "served")).first()
    if entry is None or first is None or served is None or closing_of(session, served) is not None:
        missing = "entry" if entry is None else "served version"
        raise ListError(f"{resource} of {department} has no {missing}", remedy="publish it first")
    newest = session.scalar(
        select(func.max(Batch.received_at)).where(Batch.resource == resource, Batch.status == "accepted")
    )
    return {
        "entry": entry.number,
        "code": entry.code,
        "first_version_at": first.published_at.isoformat(),
        "served_version": served.version,
        "served_version_at": served.published_at.isoformat(),
        "newest_delivery_at": newest.isoformat() if newest else None,
    }


def list_responsibilities(
    session: Session, *, batch: int | None = None, department: str | None = None, overdue_on: date | None = None
) -> Sequence[Responsibility]:
    """Return responsibilities by batch, of one department or overdue on a day if asked."""
    query = select(Responsibility).order_by(Responsibility.batch, Responsibility.due_on, Responsibility.id)
    if batch is not None:
        query = query.where(Responsibility.batch == batch)
    if department is not None:
        query = query.where(Responsibility.department == department)
    if overdue_on is not None:
        query = query.where(Responsibility.fulfilled_on.is_(None), Responsibility.due_on < overdue_on)
    return session.scalars(query).all()


def list_negative(
    session: Session, *, department: str | None = None, element: str | None = None
) -> Sequence[NegativeListing]:
    """Return the negative list in force, of one department or about one element if asked."""
    query = select(NegativeListing).where(NegativeListing.ended_at.is_(None)).order_by(NegativeListing.id)
    if department is not None:
        query = query.where(NegativeListing.department == department)
    if element is not None:
        query = query.where(NegativeListing.elements.contains([element]))
    return session.scalars(query).all()


def add_negative(
    session: Session, line: Mapping[str, Any], actor: Actor, *, at: datetime | None = None
) -> NegativeListing:
    """Put a line on the negative list: title, department, elements, citation; it holds from this moment on.

    Raises:
        NotAPartyError: the actor is not the host authority.
        ListError: no citation is given, or the line stands there already.
    """
    _require_host(actor)
    department = get_department(str(line["department"])).id
    if not line.get("citation"):
        raise ListError("nothing is kept back without the law that says so", remedy="cite it")
    if any(known.title == line["title"] for known in list_negative(session, department=department)):
        raise ListError(f"{line['title']} stands on the negative list already")
    record = NegativeListing(
        title=line["title"],
        department=department,
        elements=list(line.get("elements", ())),
        citation=line["citation"],
        listed_by=actor.name,
        listed_at=at or utc_now(),
    )
    session.add(record)
    session.flush()
    _tell_negative(session, "negative.add", record)
    follow_listing(session, record, record.listed_at)
    return record


def end_negative(session: Session, line_id: int, actor: Actor, *, at: datetime | None = None) -> NegativeListing:
    """Take a line off the negative list; it stays in its history, and what it suspended waits for its provider.

    Raises:
        NotAPartyError: the actor is not the host authority.
        ListError: there is no such line in force.
    """
    _require_host(actor)
    record = session.get(NegativeListing, line_id, with_for_update=True)
    if record is None or record.ended_at is not None:
        raise ListError(f"no line {line_id} in force")
    record.ended_at = at or utc_now()
    session.flush()
    _tell_negative(session, "negative.end", record)
    return record


def _tell_negative(session: Session, kind: str, line: NegativeListing) -> None:
    told = {"number": line.id, "title": line.title, "elements": line.elements}
    tell(session, kind, f"negative:{line.id}", {"provider": line.department}, told)


def _require_host(actor: Actor) -> None:
    if "host_authority" not in actor.roles:
        raise NotAPartyError("the host authority keeps the lists")
