"""The audit (审计): every act, refusal and read of personal data, recorded before it takes effect.

Invariant: entries are chained and numbered without gaps. `record` notes an act in the transaction of its effect; it is
appended as the last thing before that transaction commits, so that both become real together or not at all. When the
audit cannot be written, the commit fails, and with it the act.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from catalog.control.audit_chain import GENESIS, Link, link, plain_json
from catalog.control.audit_journal import Journal
from catalog.control.audit_keys import AuditKeys, audit_keys
from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.masking import mask_text
from catalog.control.session import PATIENCE_SECONDS, session_scope
from catalog.model.caller import Caller
from catalog.model.errors import GuantongError

Outcome = Literal["done", "refused", "failed"]
Detail = Mapping[str, str | int | bool | list[str] | list[int] | None]

LOCK = 0x67756174
"""The advisory lock (咨询锁) that appending holds until its transaction has committed: numbers have no gaps."""

LOCK_PATIENCE = "5s"
LONGEST_TEXT = 500

READS_ONLY = "reads_only"
"""Mark of a session that never commits, in which nothing can be recorded."""

_PENDING = "audit_pending"
_HEAD = "audit_head"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class AuditUnavailableError(GuantongError):
    """The audit cannot be written, so nothing may be done."""

    code = "AUDIT_UNAVAILABLE"


@dataclass(frozen=True)
class Act:
    """What `record` was told, not yet numbered."""

    caller: Caller
    act: str
    object: str
    outcome: Outcome
    reason: str
    purpose: str
    subjects: tuple[str, ...]
    detail: str


def record(
    session: Session,
    caller: Caller,
    act: str,
    object: str,
    outcome: Outcome = "done",
    *,
    reason: str = "",
    purpose: str = "",
    persons: Iterable[str] = (),
    detail: Detail | None = None,
) -> None:
    """Record an act before its effect; it is appended in the session's transaction, or that does not commit.

    Args:
        session: the transaction of the effect; outside of savepoints.
        caller: who acts.
        act: `noun.verb`, such as `application.approve`.
        object: what is acted on, such as `application:12`.
        outcome: of refusals and failures nothing else may be in the transaction: use `record_alone`.
        reason: why it was refused or failed; personal numbers are masked.
        purpose: what personal data is read for.
        persons: keys of the persons whose data is read (公民身份号码); kept as keyed hashes only.
        detail: what else is worth knowing, small; texts are masked.
    """
    if session.info.get(READS_ONLY):
        raise ValueError(f"{act} cannot be recorded in a session that only reads")
    keys = audit_keys()
    session.info.setdefault(_PENDING, []).append(
        Act(
            caller=caller,
            act=_clean(act),
            object=_clean(object),
            outcome=outcome,
            reason=_clean(reason),
            purpose=_clean(purpose),
            subjects=tuple(sorted({keys.subject_digest(person) for person in persons})),
            detail=plain_json({name: _cleaned(value) for name, value in _whole(caller, detail).items()}),
        )
    )


def record_alone(
    url: str | None, caller: Caller, act: str, object: str, outcome: Outcome, *,
    reason: str = "", detail: Detail | None = None, patience: float = PATIENCE_SECONDS,
) -> None:  # fmt: skip
    """Record in a transaction of its own what has no effect: a refusal, or an act that failed and was rolled back."""
    with session_scope(url, patience=patience) as session:
        record(session, caller, act, object, outcome, reason=reason, detail=detail)


def append(session: Session, acts: Iterable[Act], keys: AuditKeys) -> Link:
    """Number, chain and insert acts, holding the lock until the transaction ends; return the new head."""
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'"))
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    last = session.execute(text("SELECT seq, digest FROM audit_entry ORDER BY seq DESC LIMIT 1")).one_or_none()
    head = Link(last.seq, last.digest) if last is not None else GENESIS
    for act in acts:
        head, values = link(head, _content(act), keys)
        session.execute(AuditEntry.__table__.insert().values(values))  # type: ignore[attr-defined]
    return head


def _content(act: Act) -> dict[str, Any]:
    caller = act.caller
    return {
        "at": utc_now(),
        "actor": caller.subject,
        "actor_name": _clean(caller.name),
        "department": _clean(caller.department),
        "roles": " ".join(sorted(caller.roles)),
        "act": act.act,
        "object": act.object,
        "outcome": act.outcome,
        "reason": act.reason,
        "purpose": act.purpose,
        "subjects": list(act.subjects),
        "detail": act.detail,
        "address": _clean(caller.address),
        "request_id": _clean(caller.request_id),
    }


@event.listens_for(Session, "before_commit")
def _append_pending(session: Session) -> None:
    """Append what was recorded, as the last statements of the outermost transaction."""
    if session.in_nested_transaction() or not session.info.get(_PENDING):
        return
    keys = audit_keys()
    journal = Journal.of(keys)
    journal.require_writable()
    session.flush()
    try:
        session.info[_HEAD] = append(session, session.info.pop(_PENDING), keys), journal
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise AuditUnavailableError(
            f"the audit cannot be written ({type(error.orig).__name__}), so the act is refused",
            place="table audit_entry",
            remedy="infra/runbooks/people-and-audit.md says what to look at",
        ) from error


@event.listens_for(Session, "after_commit")
def _write_checkpoint(session: Session) -> None:
    """Write a signed checkpoint of the new head outside the database."""
    if session.in_nested_transaction() or _HEAD not in session.info:
        return
    head, journal = session.info.pop(_HEAD)
    journal.write(head)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    """Drop what was recorded for a transaction that did not become real."""
    session.info.pop(_PENDING, None)
    session.info.pop(_HEAD, None)


def _whole(caller: Caller, detail: Detail | None) -> Detail:
    """Return the detail of an act, with the account that a command's environment claims."""
    return {**(detail or {}), **({"logname": caller.claim} if caller.claim else {})}


def _clean(value: str) -> str:
    """Return a text without personal numbers, controls and overlength."""
    return mask_text(_CONTROLS.sub(" ", value))[:LONGEST_TEXT]


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
