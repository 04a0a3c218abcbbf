"""The demonstration's receiving system (示范接收系统): a recipient with grants on every share, and its profile file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.recipients import (
    RecipientError,
    add_grant,
    add_recipient,
    authenticate,
    find_recipient,
    list_grants,
    renew_token,
)
from catalog.control.session import in_transaction
from catalog.control.tables import Recipient
from catalog.model.caller import Caller
from catalog.model.registry import get_registry
from catalog.model.settings import Settings
from catalog.service.configuration import PREFIX
from catalog.service.profiles import write_profile
from infra.stack.home import read_json

NAME = "demonstration"
DEPARTMENT = "education"
PURPOSE = "demonstration of reading a shared table"
TERM = timedelta(days=365)
STACK = Caller("command", 0, "stack", "")
"""Who acts when the stack starts."""


def profile_path(home: Path) -> Path:
    """Return where the recipient's Delta Sharing profile lies, readable by its owner only."""
    return home / "recipients" / f"{NAME}.share"


def ensure_recipient(settings: Settings) -> Path:
    """Make the demonstration recipient, or renew a token that is lost or over; return its profile.

    Safe to repeat: a profile whose token is in force keeps it.
    """
    path = profile_path(settings.home)
    known = str(read_json(path).get("bearerToken", ""))
    recipient, token = in_transaction(lambda session: _in_force(session, known), settings.require("control_url"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    endpoint = f"{settings.require('service_url')}{PREFIX}"
    write_profile(path, endpoint=endpoint, token=token, expires_at=recipient.expires_at)
    return path


def _in_force(session: Session, known: str) -> tuple[Recipient, str]:
    recipient = authenticate(session, known) if known else None
    token = known
    if recipient is None or recipient.name != NAME:
        expires_at = utc_now() + TERM
        record(session, STACK, "recipient.add", f"recipient:{NAME}", detail={"department": DEPARTMENT})
        try:
            find_recipient(session, NAME)
        except RecipientError:
            recipient, token = add_recipient(session, NAME, department=DEPARTMENT, expires_at=expires_at)
        else:
            recipient, token = renew_token(session, NAME, expires_at=expires_at)
    granted = {grant.share for grant in list_grants(session, recipient.id)}
    for share in sorted(_shares() - granted):
        record(session, STACK, "recipient.grant", f"recipient:{NAME}", detail={"share": share, "purpose": PURPOSE})
        add_grant(session, recipient, share=share, purpose=PURPOSE, valid_to=utc_now() + TERM)
    return recipient, token


def _shares() -> set[str]:
    return {
        contract.government.share.share
        for contract in get_registry().all("gold")
        if contract.government.share and contract.government.share.type != "refused"
    }
