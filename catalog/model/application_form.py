"""What an application for data states (共享申请表), and how an approval may narrow it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.model.catalogue_entry import CODE_PATTERN, Entry
from catalog.model.contract import Strict
from catalog.model.errors import GuantongError

Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]
ApplicationMode = Literal["table", "lookup", "verify", "file", "feed"]
LONGEST_TERM_DAYS = 3 * 366
"""A term ends; who still needs the data renews it."""


class ApplicationError(GuantongError):
    """An application asks for what cannot be given."""

    code = "APPLICATION_INVALID"


class RowScope(Strict):
    """Which rows are asked for; empty: all."""

    divisions: tuple[Annotated[str, Field(pattern=r"^[0-9]{6}$")], ...] = ()
    condition: str = Field(default="", max_length=1000, pattern=r"^[^\x00]*$")
    """In words; the provider turns it into a filter."""

    @property
    def is_whole(self) -> bool:
        """Whether all rows are asked for."""
        return not self.divisions and not self.condition


class ApplicationForm(Strict):
    """What the requester states."""

    code: str = Field(pattern=CODE_PATTERN)
    """资源代码 of the published entry."""
    items: tuple[Annotated[str, Field(max_length=200, pattern=r"^[^\x00]+$")], ...] = ()
    """Columns; none named: all that may be shared."""
    row_scope: RowScope = RowScope()
    purpose: Text
    service_item: Text
    """Service item (办理事项) for which the data is used."""
    legal_basis: Text
    mode: ApplicationMode = "table"
    volume_per_day: int = Field(ge=1, le=10**9)
    """Rows or calls a day, at most."""
    term_from: date
    term_to: date
    """Last day."""
    responsible_officer: Text
    recipient: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Receiving system (接收系统) that will read."""
    opens_earlier: bool = False
    """Whether versions are asked for too that were superseded before the term begins (历史版本)."""

    @model_validator(mode="after")
    def _has_a_term(self) -> ApplicationForm:
        if not 0 <= (self.term_to - self.term_from).days <= LONGEST_TERM_DAYS:
            raise ValueError(f"the term ends after it begins, and lasts at most {LONGEST_TERM_DAYS} days")
        if len(set(self.items)) != len(self.items):
            raise ValueError("an item is asked for twice")
        return self


class Narrowing(Strict):
    """How an approval gives less than was asked for."""

    items: tuple[str, ...] | None = None
    quota_per_day: int | None = Field(default=None, ge=1)
    valid_to: date | None = None


def items_asked(form: ApplicationForm, entry: Entry) -> tuple[str, ...]:
    """Return the columns that an application is about, in the entry's order.

    Raises:
        ApplicationError: naming what the entry does not have or does not share.
    """
    wanted = set(form.items) or {item.name for item in entry.items if item.share_type != "refused"}
    unknown = sorted(wanted - {item.name for item in entry.items})
    if unknown:
        raise ApplicationError(f"entry {entry.code} has no items {', '.join(unknown)}", remedy="see its list of items")
    refused = [item for item in entry.items if item.name in wanted and item.share_type == "refused"]
    if refused or not wanted:
        why = "; ".join(f"{item.business_name}: {item.legal_citation}" for item in refused) or "it shares nothing"
        raise ApplicationError(f"不予共享: {why}", place=entry.code, remedy="apply for the other items")
    return tuple(item.name for item in entry.items if item.name in wanted)


def require_narrower(narrowing: Narrowing, items: Iterable[str], volume: int, term_from: date, term_to: date) -> None:
    """Accept a narrowing that gives no more than was asked for.

    Raises:
        ApplicationError: naming what it would widen.
    """
    wrong = []
    if narrowing.items is not None and (not narrowing.items or set(narrowing.items) - set(items)):
        wrong.append("items")
    if narrowing.quota_per_day is not None and narrowing.quota_per_day > volume:
        wrong.append("quota_per_day")
    if narrowing.valid_to is not None and not term_from <= narrowing.valid_to <= term_to:
        wrong.append("valid_to")
    if wrong:
        raise ApplicationError(f"an approval never gives more than was asked for: {', '.join(wrong)}")
