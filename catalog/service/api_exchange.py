"""What the routers of the exchange catalogue share: the caller as actor, refusals as problems, history and clocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import Field, StringConstraints

from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import ClockError, clocks_of
from catalog.control.entries import EntryChangedError
from catalog.control.life import history
from catalog.model.caller import Caller
from catalog.model.departments import DepartmentUnknownError
from catalog.model.errors import GuantongError
from catalog.model.roles import Role
from catalog.model.state_machine import Actor, MoveRefusedError, NotAPartyError, OwnDecisionError
from catalog.service.access import Database
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Instant
from catalog.service.identity import require, signed_in

OFFICERS = (Role.REQUESTER_OFFICER, Role.PROVIDER_OFFICER, Role.HOST_AUTHORITY)
Officer = Annotated[Caller, Depends(require(*OFFICERS, scoped=True, wide=(Role.HOST_AUTHORITY,)))]
"""An officer of a side; the host authority sees every department's."""
HostOfficer = Annotated[Caller, Depends(require(Role.HOST_AUTHORITY))]
ProviderOfficer = Annotated[Caller, Depends(require(Role.PROVIDER_OFFICER))]
RequesterOfficer = Annotated[Caller, Depends(require(Role.REQUESTER_OFFICER))]
AnyCaller = Annotated[Caller, Depends(signed_in())]

Reason = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]
"""A reason, statement or purpose, in one or more lines."""
Code = Annotated[str, StringConstraints(pattern=r"^[123][0-9]{2}[0-9]{3}[0-9]{0,12}/[0-9]{1,12}$")]
"""资源代码 of an entry."""
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-[0-9]{4}-[0-9]{6,12}$")]
"""Number of an application, demand, case, grant, entry or dispute."""
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31), examples=["2026-03-02"])]


class ClockAnswer(Answer):
    """A statutory limit that runs, waits or has ended (时限)."""

    limit_id: str
    what: str
    citation: str
    responsible: str
    started_on: date
    due_on: date | None = Field(description="Last day; none while it waits.")
    is_provisional: bool = Field(description="The calendar of a year counted is not announced yet.")
    extended_by: int
    status: Literal["running", "paused", "met", "late", "cancelled"]
    warned_on: date | None
    due_told_on: date | None = Field(description="When the last day itself was told, of limits that tell it.")
    overdue_on: date | None
    escalated_on: date | None
    stopped_on: date | None


class EventAnswer(Answer):
    """One step that was taken (办理记录)."""

    act: str
    from_state: str | None
    to_state: str
    by: str
    department: str
    at: Instant
    detail: dict[str, Any]


class Course(Answer):
    """Clocks and history of one matter."""

    clocks: list[ClockAnswer]
    history: list[EventAnswer]


def actor_of(caller: Caller) -> Actor:
    """Return the caller as who acts; an account has one name among persons, another among systems.

    >>> actor_of(Caller("person", 7, "wang", "water", frozenset({Role.PROVIDER_OFFICER}))).name
    'person:wang'
    """
    return Actor(f"{caller.kind}:{caller.name}", caller.department, frozenset(role.value for role in caller.roles))


@contextmanager
def answered(noun: str) -> Iterator[None]:
    """Turn what a control module refuses into the interface's problems."""
    try:
        yield
    except OwnDecisionError as error:
        raise ProblemError("OWN_REQUEST") from error
    except EntryChangedError as error:
        raise ProblemError("PRECONDITION_FAILED") from error
    except DepartmentUnknownError:
        raise
    except (ClockError, MoveRefusedError, NotAPartyError) as error:
        raise ProblemError("CONFLICT", reason=_sentence(error), about=error) from error
    except GuantongError as error:
        if error.code.endswith("_UNKNOWN"):
            raise not_found(noun) from error
        raise


def require_side(caller: Caller, noun: str, *departments: str | None) -> None:
    """Accept a caller of one of the departments concerned, or of the host authority; others see nothing there is."""
    if not is_of_side(caller, *departments):
        raise not_found(noun)


def is_of_side(caller: Caller, *departments: str | None) -> bool:
    """Tell whether a caller is of one of the departments concerned, or of the host authority."""
    return caller.holds(Role.HOST_AUTHORITY) or any(caller.is_of(one) for one in departments if one)


def course_of(session: Database, kind: str, number: str) -> Course:
    """Return clocks and history of a matter."""
    return Course(
        clocks=[clock_answer(clock) for clock in clocks_of(session, kind, number)],
        history=[EventAnswer.model_validate(event) for event in history(session, kind, number)],
    )


def clock_answer(clock: ClockRecord) -> ClockAnswer:
    """Return a clock as the interface shows it."""
    return ClockAnswer.model_validate(clock)


def _sentence(error: GuantongError) -> str:
    return f"{error.args[0]} ({error.remedy})" if error.remedy else str(error.args[0])
