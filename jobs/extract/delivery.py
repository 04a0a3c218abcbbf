"""What is known about one delivery (一次报送) on its way from the border to bronze."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.model.errors import DeliveryRefusedError

ROWS_NAMED = 1000
"""How many rejected rows a manifest names one by one; the counts are always whole."""
STRUCTURAL = frozenset({"BLANK_ROW", "REPEATED_HEADER", "NOTE_ROW"})
"""Rejected rows that are no records: the sender did not count them."""


@dataclass(frozen=True)
class Note:
    """Something to be recorded about a delivery that does not stop it."""

    code: str
    place: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True)
class Rejection:
    """A row of a readable file that is not admitted, with its reason; its bytes stay in landing."""

    row_number: int
    code: str
    detail: str = ""


@dataclass
class Reading:
    """What a reader made of one file; the rows themselves went to the sink."""

    header: list[str] = field(default_factory=list)
    accepted: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    """Rows that are layout, not data: ``title``, ``section``."""

    @property
    def read(self) -> int:
        """Data rows seen: what the ledger must account for."""
        return self.accepted + len(self.rejected)

    @property
    def records(self) -> int:
        """Rows the sender would have counted."""
        return self.read - sum(1 for rejection in self.rejected if rejection.code in STRUCTURAL)

    def rejected_counts(self) -> dict[str, int]:
        """Return how many rows were rejected, by reason."""
        return dict(Counter(rejection.code for rejection in self.rejected))

    def rejection_notes(self, place: str) -> list[Note]:
        """Return one note per reason, naming the first rows."""
        return [
            Note(code, place, {"rows": rows_named(self.rejected, code)[:20]}, count)
            for code, count in self.rejected_counts().items()
        ]


def rows_named(rejected: Iterable[Rejection], code: str) -> list[str]:
    """Return the rows rejected for ``code`` as people look them up.

    >>> rows_named([Rejection(7, "ROW_RAGGED", "9 cells, 10 expected")], "ROW_RAGGED")
    ['row 7: 9 cells, 10 expected']
    """
    chosen = (rejection for rejection in rejected if rejection.code == code)
    return [f"row {r.row_number}" + (f": {r.detail}" if r.detail else "") for r in chosen]


class DeliveryHeldError(DeliveryRefusedError):
    """The whole delivery is held for a person (挂起): its rows count as rejected with their file.

    Attributes:
        rows: how many rows it has, as far as they could be counted.
        detail: what was expected and what was seen.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        place: str = "",
        remedy: str = "",
        rows: int = 0,
        detail: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message, place=place, remedy=remedy)
        self.message = str(self.args[0])
        self.rows = rows
        self.detail = detail or {}
