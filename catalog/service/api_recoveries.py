"""What the interface says of recoveries of accounts (账号恢复), wherever one is proposed, listed or confirmed."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field

from catalog.control.identity_tables import AccountRecovery, Person
from catalog.control.people import SubjectTakenError
from catalog.service.api_problems import ProblemError
from catalog.service.api_types import Answer, Instant


class RecoveryAnswer(Answer):
    """A reset or binding that was proposed."""

    id: int = Field(examples=[3])
    person: int = Field(examples=[7])
    login: str
    act: str = Field(description="`reset` or `bind`.")
    oidc_subject: str | None = Field(description="Of a binding, whom the identity provider knows the person as.")
    proposed_by: str = Field(examples=["person:1"])
    proposed_at: Instant
    expires_at: Instant
    outcome: str | None = Field(description="`confirmed`, `refused` or `replaced`; none while it waits.")
    password_file: str | None = Field(
        default=None, description="After a reset, where the one-time password lies below GUANTONG_HOME on the machine."
    )


def recovery_answer(person: Person, found: AccountRecovery, password_file: str | None = None) -> RecoveryAnswer:
    """Return a proposal as the interface shows it."""
    plain = ("id", "act", "oidc_subject", "proposed_by", "proposed_at", "expires_at", "outcome")
    values = {name: getattr(found, name) for name in plain}
    return RecoveryAnswer(**values, person=person.id, login=person.login, password_file=password_file)


@contextmanager
def taken() -> Iterator[None]:
    """Answer an identity to which another account is bound as a conflict."""
    try:
        yield
    except SubjectTakenError as error:
        raise ProblemError("CONFLICT", reason=str(error.args[0]), about=error) from error
