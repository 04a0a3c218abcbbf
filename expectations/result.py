"""What a check found (检查结果): the verdict on each rule and on the table, failing closed.

Invariant: ``pass`` needs as many rules evaluated as planned, more than none, on more than no rows, without an error
and without a rule that looked at nothing but nulls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from expectations.rule import MANDATORY, Severity

Outcome = Literal["pass", "warn", "stop"]
_WORST: dict[Outcome, int] = {"pass": 0, "warn": 1, "stop": 2}


@dataclass(frozen=True)
class RuleResult:
    """The verdict on one rule."""

    rule_id: str
    severity: Severity
    success: bool
    failed: int
    """Rows that break it; 1 for a rule on the whole table."""
    evaluable: bool
    """False when every value it looked at is null: neither right nor wrong."""
    on_empty: Severity
    zh: str
    en: str
    department: str
    observed: str = ""
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """Pass, warn or stop, for this rule alone."""
        if self.success and self.evaluable:
            return "pass"
        return "stop" if (self.on_empty if self.success else self.severity) in MANDATORY else "warn"


@dataclass(frozen=True)
class CheckOutcome:
    """The verdict on one version of one table."""

    resource: str
    table: str
    version: int
    planned: int
    rows: int
    """Live rows."""
    rules: list[RuleResult]
    error: str = ""
    """What kept the check from being carried out; empty when nothing did."""

    @property
    def evaluated(self) -> int:
        """Rules with a verdict."""
        return len(self.rules)

    @property
    def failed(self) -> int:
        """Rules that did not pass."""
        return sum(rule.outcome != "pass" for rule in self.rules)

    @property
    def is_mended_by_setting_aside(self) -> bool:
        """Whether the version would pass without the rows that break rules of the severity ``set_aside``."""
        stops = [rule for rule in self.rules if rule.outcome == "stop"]
        return bool(stops) and not self.refusals and all(r.severity == "set_aside" and not r.success for r in stops)

    @property
    def refusals(self) -> list[str]:
        """Why this cannot be a pass, whatever the rules say."""
        found = [self.error] if self.error else []
        if self.planned == 0:
            found.append("no rule was planned")
        if self.evaluated != self.planned:
            found.append(f"{self.evaluated} of {self.planned} rules were evaluated")
        if self.rows <= 0:
            found.append("the table has no live row")
        if len({rule.rule_id for rule in self.rules}) != self.evaluated:
            found.append("a rule was counted twice")
        return found

    @property
    def outcome(self) -> Outcome:
        """The worst of the rules; stop when anything speaks against the check itself."""
        if self.refusals:
            return "stop"
        return max((rule.outcome for rule in self.rules), key=_WORST.__getitem__)
