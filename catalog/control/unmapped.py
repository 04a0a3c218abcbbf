"""The worklist of unmapped values (待映射清单): what code lists do not know, how often, where, and who decided what.

Invariant: counts are kept per batch and replaced whole, so a replay never counts a row twice; values of personal
columns are kept as keyed digests only.
"""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.batches import reopen_stage
from catalog.control.masking import mask_personal
from catalog.control.tables import Position, UnmappedCount, UnmappedValue
from catalog.model.codes import load_code_list

DIGEST_PREFIX = "hmac-sha256:"
LONGEST = 200
"""Characters of the longest value kept plainly; longer ones are no codes."""
EXAMPLES = 5
"""Places that the list shows of one value."""


@dataclass(frozen=True)
class Sighting:
    """One value in one column of one batch."""

    batch_id: str
    column_name: str
    code_list: str
    reason: str
    value: str
    """In the form of :func:`stored_form`."""
    rows: int
    first_row: int | None
    last_row: int | None


@dataclass(frozen=True)
class WorklistEntry:
    """One value of the worklist with its counts over all batches."""

    resource: str
    column_name: str
    code_list: str
    value: str
    reason: str
    rows: int
    examples: list[str]
    """Batch and row number, ``batch:row``."""
    state: str
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    first_seen: datetime
    last_seen: datetime

    @property
    def is_readable(self) -> bool:
        """Whether the value is kept plainly."""
        return not self.value.startswith(DIGEST_PREFIX)


def terms_position(code_list: str) -> str:
    """Return the name of the position that remembers by which edition of a list a table was judged.

    >>> terms_position("entity_status")
    'codes.entity_status'
    """
    return f"codes.{code_list}"


def follow_list(session: Session, code_list: str, before: str) -> None:
    """Let tables judged by the list's edition ``before`` count as judged by the present one.

    For an addition whose batches wait by themselves (:func:`decide`): no other row holds the value.
    """
    concerned = Position.source == terms_position(code_list), Position.position == before
    session.execute(update(Position).where(*concerned).values(position=load_code_list(code_list).digest))


def stored_form(value: str, key: str, *, is_personal: bool) -> str:
    """Return ``value`` as the worklist keeps it: plainly, or as a digest under ``key`` that the same value meets again.

    >>> stored_form("开业中", "k", is_personal=False)
    '开业中'
    >>> stored_form("11010519491231002X", "k", is_personal=False)[:16]
    'hmac-sha256:8072'
    """
    if not is_personal and len(value) <= LONGEST and mask_personal(value) == value:
        return value
    return DIGEST_PREFIX + hmac.new(key.encode(), f"unmapped_value\0{value}".encode(), hashlib.sha256).hexdigest()[:32]


def replace_sightings(
    session: Session, resource: str, batch_ids: Collection[str], sightings: Sequence[Sighting]
) -> None:
    """Record what was seen in ``batch_ids`` of ``resource``, replacing what an earlier try of them saw.

    A value that was mapped and is seen again is open again: its line has gone from the list. A refused one stays so.
    """
    session.execute(delete(UnmappedCount).where(UnmappedCount.batch_id.in_(batch_ids)))
    ids: dict[tuple[str, str, str, str], int] = {}
    for seen in sightings:
        key = (seen.column_name, seen.code_list, seen.value, seen.reason)
        if key not in ids:
            ids[key] = _seen_again(session, resource, seen)
        counts = {"rows": seen.rows, "first_row": seen.first_row, "last_row": seen.last_row}
        session.execute(insert(UnmappedCount).values(value_id=ids[key], batch_id=seen.batch_id, **counts))


def _seen_again(session: Session, resource: str, seen: Sighting) -> int:
    """Return the id of the value's entry, which now says when it was last seen."""
    key = {
        "resource": resource,
        "column_name": seen.column_name,
        "code_list": seen.code_list,
        "value": seen.value,
        "reason": seen.reason,
    }
    now = utc_now()
    statement = insert(UnmappedValue).values(**key, first_seen=now, last_seen=now)
    brought = statement.on_conflict_do_update(index_elements=list(key), set_={"last_seen": now})
    found = session.scalars(brought.returning(UnmappedValue.id)).one()
    undecided = {"state": "open", "decision": None, "decided_by": None, "decided_at": None}
    session.execute(
        update(UnmappedValue).where(UnmappedValue.id == found, UnmappedValue.state == "mapped").values(undecided)
    )
    return found


def list_unmapped(
    session: Session, *, resource: str | None = None, code_list: str | None = None, state: str | None = "open"
) -> list[WorklistEntry]:
    """Return the worklist, the most frequent first; of the open ones only those that rows still wait for."""
    total = func.coalesce(func.sum(UnmappedCount.rows), 0)
    query = select(UnmappedValue, total).outerjoin(UnmappedCount, UnmappedCount.value_id == UnmappedValue.id)
    for column, wanted in (("resource", resource), ("code_list", code_list), ("state", state)):
        if wanted:
            query = query.where(getattr(UnmappedValue, column) == wanted)
    query = query.group_by(UnmappedValue.id).order_by(total.desc(), UnmappedValue.id)
    entries = []
    for value, rows in session.execute(query):
        if rows or value.state != "open":
            names = [name for name in WorklistEntry.__dataclass_fields__ if name not in ("rows", "examples")]
            kept = {name: getattr(value, name) for name in names}
            entries.append(WorklistEntry(rows=int(rows), examples=_examples(session, value.id), **kept))
    return entries


def _examples(session: Session, value_id: int) -> list[str]:
    query = select(UnmappedCount).where(UnmappedCount.value_id == value_id).order_by(UnmappedCount.batch_id)
    places = []
    for count in session.scalars(query.limit(EXAMPLES)):
        places += [f"{count.batch_id}:{row}" for row in dict.fromkeys((count.first_row, count.last_row)) if row]
    return places[:EXAMPLES]


def decide(
    session: Session, code_list: str, values: Collection[str], *, state: str, by: str, decision: str | None = None
) -> list[tuple[str, str]]:
    """Close the entries of a value that nobody knew; when it is mapped, its batches wait for conform again.

    Args:
        session: An open transaction.
        code_list: The list that the value was judged by.
        values: The value in each form in which it may be kept.
        state: `mapped` or `refused`.
        by: Who decided.
        decision: The code meant, or `ignored`.

    Returns:
        Resource and batch of every batch that waits again.
    """
    changes = {"state": state, "decision": decision, "decided_by": by, "decided_at": utc_now()}
    concerned = [
        UnmappedValue.code_list == code_list,
        UnmappedValue.value.in_(values),
        UnmappedValue.reason == "CODE_UNKNOWN",
    ]
    session.execute(update(UnmappedValue).where(*concerned, UnmappedValue.state != state).values(changes))
    if state != "mapped":
        return []
    query = select(UnmappedValue.resource, UnmappedCount.batch_id).join(UnmappedCount).where(*concerned).distinct()
    batches = sorted((resource, batch_id) for resource, batch_id in session.execute(query))
    reopen_stage(session, [batch_id for _, batch_id in batches], "conform")
    return batches
