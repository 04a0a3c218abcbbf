"""The batches that a run conforms (待标准化批次), with what their rows' order takes from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from catalog.control.batch_orders import accepted_batches, batch_orders
from catalog.control.batches import pending_batches
from catalog.control.ledger import ledger_entries
from catalog.control.positions import get_position, set_position
from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.version_order import BEFORE_ALL, BatchOrder, VersionOrder
from jobs.conform.terms import changed_terms, has_terms, terms_of

STAGE = "conform"
NEWEST = "newest"
"""Name of the position that remembers the newest version conformed: what is older may have been overtaken."""


@dataclass(frozen=True)
class Waiting:
    """The batches to conform together, among all that were ever accepted."""

    batch_ids: list[str]
    """In the order in which they arrived."""
    admitted: dict[str, int]
    """Batch → rows that extract accepted."""
    orders: dict[str, BatchOrder]
    """Every accepted batch → what the order of its rows takes from it."""
    previous_dates: dict[str, date | None]
    """Every accepted batch → the business date before it."""
    conformed: list[str]
    """The other batches that this stage has been through with."""
    is_again: bool
    """Whether any of the batches was conformed before."""
    newest: VersionOrder | None
    """The newest version that was ever conformed; None when that was never kept."""
    terms: dict[str, str]
    """By what the batches are judged, and then every row of the table; empty where that is not so."""
    changed: list[str]
    """Which of the terms are others than before, so that all batches are judged again."""


def waiting_batches(session: Session, contract: Contract, batch: str | None) -> Waiting:
    """Return the batches not yet conformed, all where the terms have changed; asked for one by name, that one again."""
    accepted = accepted_batches(session, contract)
    terms: dict[str, str] = {}
    changed: list[str] = []
    if batch is None or not has_terms(session, consumer_of(contract)):
        terms = terms_of(contract)
    if batch is not None:
        chosen = [b for b in accepted if b.batch_id == batch]
    else:
        changed = changed_terms(session, consumer_of(contract), terms)
        chosen = accepted if changed else pending_batches(session, contract.id, STAGE)
    ids = [b.batch_id for b in chosen]
    done = {e.batch_id for e in ledger_entries(session, resource=contract.id, stage=STAGE)}
    counts = ledger_entries(session, resource=contract.id, stage="extract")
    return Waiting(
        batch_ids=ids,
        admitted={e.batch_id: e.accepted for e in counts if e.batch_id in set(ids)},
        orders=batch_orders(contract, accepted),
        previous_dates=_previous_dates(accepted),
        conformed=[b.batch_id for b in accepted if b.batch_id in done and b.batch_id not in ids],
        is_again=any(batch_id in done for batch_id in ids),
        newest=_newest(session, contract),
        terms=terms,
        changed=changed,
    )


def consumer_of(contract: Contract) -> str:
    """Return the name under which this stage keeps what it remembers of a resource."""
    return f"{STAGE}.{contract.id}"


def _previous_dates(accepted: list[Batch]) -> dict[str, date | None]:
    """Return batch → the latest business date of those that arrived before it."""
    found: dict[str, date | None] = {}
    latest: date | None = None
    for batch in accepted:
        found[batch.batch_id] = latest
        day = batch.business_date
        latest = day if latest is None or (day is not None and day > latest) else latest
    return found


def _newest(session: Session, contract: Contract) -> VersionOrder | None:
    kept = get_position(session, consumer_of(contract), NEWEST)
    return VersionOrder(*json.loads(kept)) if kept else None


def remember(session: Session, contract: Contract, newest: VersionOrder, terms: Mapping[str, str]) -> None:
    """Record the newest version conformed, where it is newer than the one on record, and the terms of all rows."""
    if newest > (_newest(session, contract) or BEFORE_ALL):
        set_position(session, consumer_of(contract), NEWEST, json.dumps(newest))
    for name, digest in terms.items():
        set_position(session, consumer_of(contract), name, digest)
