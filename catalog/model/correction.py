"""The life of a correction case (数据校核): from a doubt about one value to its correction, or the reason why not.

Source: 政务数据共享条例 (国务院令第 809 号), on correction of doubtful data; the states are this project's.
"""

from __future__ import annotations

from catalog.model.procedures import PLEADING
from catalog.model.state_machine import Machine, Transition

RAISED, IN_VERIFICATION, CONFIRMED, REFUSED = "raised", "in_verification", "confirmed", "refused"
INSUFFICIENT, CORRECTED, CLOSED = "insufficient", "corrected", "closed"
UNCORRECTED = (RAISED, IN_VERIFICATION, INSUFFICIENT, CONFIRMED)
"""What a corrected batch ends, answered or not."""

CORRECTION = Machine(
    "correction case",
    RAISED,
    [CLOSED],
    [
        Transition("accept", (RAISED,), IN_VERIFICATION, ("provider",)),
        Transition("confirm", (IN_VERIFICATION,), CONFIRMED, ("provider",), recused=PLEADING),
        Transition("refuse", (RAISED, IN_VERIFICATION), REFUSED, ("provider",), ("reason",),
                   recused=(*PLEADING, "correction_case.refuse")),
        Transition("ask_evidence", (RAISED, IN_VERIFICATION), INSUFFICIENT, ("provider",), ("reason",)),
        Transition("pass_on", (RAISED, IN_VERIFICATION), RAISED, ("provider",), ("reason",)),
        Transition("supplement", (INSUFFICIENT,), IN_VERIFICATION, ("requester", "system"), ("evidence",)),
        Transition("correct", UNCORRECTED, CORRECTED, ("provider", "system"), ("batch_id",)),
        Transition("reopen", (CORRECTED,), IN_VERIFICATION, ("requester", "system"), ("reason",)),
        Transition("reopen", (REFUSED,), IN_VERIFICATION, ("system",), ("reason",)),
        Transition("close", (CORRECTED, REFUSED), CLOSED, ("requester", "system")),
        Transition("withdraw", (RAISED, IN_VERIFICATION, INSUFFICIENT), CLOSED, ("requester", "system"), ("reason",)),
    ],
)  # fmt: skip
"""A refusal is disputed; whoever was refused does not undo it, and the same person does not refuse twice.

Who is not the source of the value passes the case on (转办) to the department that is, where it begins anew.
"""
