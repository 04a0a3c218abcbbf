"""The clerical review queue (人工判定队列): pairs in, decisions out; a decision wins over the model for ever.

Invariant: a pair is decided when as many different persons as the setting asks for have said the same and nobody
standing says otherwise; the same pair met again keeps its decision. Different are persons of other accounts and names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.linkage_tables import ReviewDecision, ReviewPair
from catalog.model.errors import GuantongError
from catalog.model.signature import Signature, folded_name

VERDICTS = ("link", "no_link")


class ReviewRefusedError(GuantongError):
    """A decision cannot be taken or undone as asked."""

    code = "REVIEW_REFUSED"


@dataclass(frozen=True)
class Candidate:
    """A pair for the queue."""

    left_record: str
    right_record: str
    weight: float
    why: str
    reasons: list[dict[str, Any]]
    left_masked: dict[str, Any]
    right_masked: dict[str, Any]


def queue_pairs(session: Session, library: str, model: str, candidates: Sequence[Candidate]) -> int:
    """Put pairs on the queue; those known already are brought up to date and keep their state. Return how many."""
    now = utc_now()
    for candidate in candidates:
        values = {**vars(candidate), "library": library, "model": model, "last_seen": now}
        statement = insert(ReviewPair).values(**values, first_seen=now)
        fresh = {name: values[name] for name in values if name not in ("library", "left_record", "right_record")}
        session.execute(
            statement.on_conflict_do_update(index_elements=["library", "left_record", "right_record"], set_=fresh)
        )
    return len(candidates)


def list_pairs(
    session: Session, library: str | None = None, state: str | None = "open", limit: int = 100
) -> list[ReviewPair]:
    """Return pairs, the heaviest first."""
    query = select(ReviewPair).order_by(ReviewPair.weight.desc(), ReviewPair.id).limit(limit)
    if library:
        query = query.where(ReviewPair.library == library)
    if state:
        query = query.where(ReviewPair.state == state)
    return list(session.scalars(query))


def pair_of(session: Session, pair_id: int, *, for_update: bool = False) -> ReviewPair:
    """Return one pair.

    Raises:
        ReviewRefusedError: when there is none.
    """
    pair = session.get(ReviewPair, pair_id, with_for_update=for_update or None)
    if pair is None:
        raise ReviewRefusedError(f"there is no pair {pair_id}", remedy="see `python -m catalog review list`")
    return pair


def decisions_of(session: Session, pair_id: int) -> list[ReviewDecision]:
    """Return all decisions about a pair, the undone ones too, in order."""
    return list(
        session.scalars(select(ReviewDecision).where(ReviewDecision.pair_id == pair_id).order_by(ReviewDecision.id))
    )


def decide_pair(
    session: Session, pair_id: int, verdict: str, *, by: Signature, persons: int = 1, note: str = ""
) -> str:
    """Record what one person says of a pair; return the pair's state afterwards.

    Args:
        session: an open transaction.
        pair_id: number on the queue.
        verdict: ``link`` or ``no_link``.
        by: who says so, and from which account.
        persons: how many different persons must say the same (setting ``REVIEW_PERSONS``).
        note: why.

    Raises:
        ReviewRefusedError: for another verdict, no name, a pair that is decided, or a person who has decided already.
    """
    if verdict not in VERDICTS or not folded_name(by.name):
        raise ReviewRefusedError(
            f"{verdict!r} by {str(by)!r} is no decision", remedy="say link or no_link, and who decides"
        )
    pair = pair_of(session, pair_id, for_update=True)
    if pair.state != "open":
        raise ReviewRefusedError(
            f"pair {pair_id} is decided: {pair.state}", remedy=f"`python -m catalog review undo {pair_id} --by …` first"
        )
    if any(by.is_of_one_person(Signature.read(decision.decided_by)) for decision in _standing(session, pair_id)):
        raise ReviewRefusedError(
            f"{by} has decided about pair {pair_id}",
            remedy="another person must agree, under a name and an account of their own, or undo it",
        )
    session.add(ReviewDecision(pair_id=pair_id, verdict=verdict, decided_by=str(by), note=note))
    session.flush()
    verdicts = [decision.verdict for decision in _standing(session, pair_id)]
    if len(verdicts) >= persons and len(set(verdicts)) == 1:
        pair.state = verdict
    session.flush()
    return pair.state


def undo_decision(session: Session, pair_id: int, *, by: str) -> str:
    """End the standing decisions about a pair, which is open again; they stay on record.

    Raises:
        ReviewRefusedError: when nobody has decided.
    """
    pair = pair_of(session, pair_id, for_update=True)
    standing = _standing(session, pair_id)
    if not standing or not by.strip():
        raise ReviewRefusedError(
            f"nothing about pair {pair_id} can be undone", remedy="name a decided pair and a person"
        )
    ended = {"undone_by": by, "undone_at": utc_now()}
    session.execute(
        update(ReviewDecision).where(ReviewDecision.id.in_([decision.id for decision in standing])).values(ended)
    )
    pair.state = "open"
    session.flush()
    return pair.state


def decided_pairs(session: Session, library: str) -> dict[tuple[str, str], str]:
    """Return (left, right) → ``link`` or ``no_link``, for the pairs that persons have decided."""
    query = select(ReviewPair).where(ReviewPair.library == library, ReviewPair.state != "open")
    return {(pair.left_record, pair.right_record): pair.state for pair in session.scalars(query)}


def _standing(session: Session, pair_id: int) -> list[ReviewDecision]:
    return [decision for decision in decisions_of(session, pair_id) if decision.undone_at is None]
