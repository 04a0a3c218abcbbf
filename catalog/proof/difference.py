"""What a proof found (核对结果): where every row went, and what does not agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

NAMED = 20
"""Differences of one kind that are named one by one; the counts are always whole."""


@dataclass(frozen=True)
class Difference:
    """Something that two tables, or a table and the ledger, say differently."""

    resource: str
    code: str
    """What kind: stable, in capitals."""
    where: str
    """Batch, row or masked key."""
    detail: str = ""


@dataclass
class Proof:
    """What was compared for one resource, and how it came out."""

    resource: str
    compared: Counter[str] = field(default_factory=Counter)
    """State → rows or keys: every one is in exactly one."""
    differences: list[Difference] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    """Kind of difference → how many."""

    def differ(self, code: str, where: str, detail: str = "") -> None:
        """Note a difference."""
        self.found[code] += 1
        if self.found[code] <= NAMED:
            self.differences.append(Difference(self.resource, code, where, detail))

    @property
    def holds(self) -> bool:
        """Whether something was compared and all of it agrees."""
        return bool(self.compared) and not self.found
