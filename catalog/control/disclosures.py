"""Looks at personal values without masks (明文查阅): on record, with their reason, before values are shown."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.disclosure_tables import Disclosure
from catalog.model.caller import operating_account
from catalog.model.errors import GuantongError


class ReasonMissingError(GuantongError):
    """Somebody asked for personal values without saying why."""

    code = "REASON_MISSING"


def record_disclosure(
    session: Session, *, resource: str, entity_id: str, columns: Sequence[str], reason: str, person: str | None = None
) -> Disclosure:
    """Record that personal values of an entity are about to be shown whole.

    Args:
        session: An open transaction; what it records must be committed before the values are shown.
        resource: Base resource.
        entity_id: Whose values.
        columns: Which of them.
        reason: What for.
        person: Account that asks; default the account of the operating system.

    Raises:
        ReasonMissingError: the reason is empty.
    """
    if not reason.strip():
        raise ReasonMissingError(
            "personal values are shown whole for a reason only", remedy="add --reason with what they are needed for"
        )
    made = Disclosure(
        person=person or operating_account(),
        resource=resource,
        entity_id=entity_id,
        columns=list(columns),
        reason=reason.strip(),
    )
    session.add(made)
    session.flush()
    return made


def disclosures_of(session: Session, resource: str, entity_id: str) -> Sequence[Disclosure]:
    """Return who saw an entity's personal values, newest first."""
    query = select(Disclosure).where(Disclosure.resource == resource, Disclosure.entity_id == entity_id)
    return session.scalars(query.order_by(Disclosure.id.desc())).all()
