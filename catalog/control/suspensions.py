"""Why a grant is suspended (中止事由): each reason stands with its side, until that side takes it back.

A side is what the actor stood on, not its department: one department may be the host authority and a provider. What
the platform suspended, the provider weighs anew.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from catalog.control.grant_tables import AccessGrant
from catalog.model.state_machine import Actor, MoveRefusedError, Party

SIDES: tuple[Party, ...] = ("host", "provider", "system")
WEIGHED_BY: dict[str, Party] = {"host": "host", "provider": "provider", "system": "provider"}
"""Side that suspended → side that takes it back."""
_NAMES = {"host": "the host authority (主管部门)", "provider": "the provider (提供部门)"}


def stands(grant: AccessGrant, side: Party, reason: str) -> bool:
    """Tell whether a side suspended a grant for this reason already."""
    return any((one["side"], one["reason"]) == (side, reason) for one in grant.suspensions)


def add_suspension(grant: AccessGrant, actor: Actor, parties: Collection[Party], reason: str, at: datetime) -> None:
    """Let a reason stand beside those that suspended a grant already."""
    side = next(side for side in SIDES if side in parties)
    made = {"side": side, "reason": reason, "by": actor.name, "at": at.isoformat()}
    _keep(grant, [*grant.suspensions, made])


def take_back(grant: AccessGrant, act: str, parties: Collection[Party]) -> None:
    """Take back what the actor's side suspended: the last of it by `resume`, else by `take_back`.

    Raises:
        MoveRefusedError: the side has nothing to take back, or it is not as the act says.
    """
    others = [one for one in grant.suspensions if WEIGHED_BY[one["side"]] not in parties]
    if len(others) == len(grant.suspensions):
        sides = _sides(others)
        raise MoveRefusedError(f"{grant.number} was suspended by {sides}", remedy=f"{sides} takes it back")
    if others and act == "resume":
        why = "; ".join(one["reason"] for one in others)
        raise MoveRefusedError(
            f"{grant.number} was suspended by {_sides(others)} too: {why}",
            remedy=f"take_back your own reason; {_sides(others)} resumes it",
        )
    if not others and act == "take_back":
        raise MoveRefusedError(f"no other side suspended {grant.number}", remedy="resume it")
    _keep(grant, others)


def _sides(suspensions: Collection[dict[str, Any]]) -> str:
    return ", ".join(sorted({_NAMES[WEIGHED_BY[one["side"]]] for one in suspensions}))


def _keep(grant: AccessGrant, suspensions: list[dict[str, Any]]) -> None:
    grant.suspensions = suspensions
    if suspensions:
        grant.reason = "; ".join(dict.fromkeys(one["reason"] for one in suspensions))
