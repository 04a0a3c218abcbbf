"""Business rules (业务规则) of single resources: ``rules/<domain>/<resource>.py``, found by the resource's id.

A file exists only where the contract cannot say the rule. It has one function, ``expectations(on: RuleBook)``.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.model.contract import Contract
from expectations.gx import Expectation, RowConditionType
from expectations.plan import LIVE
from expectations.rule import Rule, Severity


@dataclass(frozen=True)
class RuleBook:
    """What a rules file writes its rules with."""

    contract: Contract
    business_date: date
    live_only: bool
    """Whether the table keeps tombstones."""

    def rule(
        self,
        subject: str,
        what: str,
        severity: Severity,
        indicator: str,
        zh: str,
        en: str,
        version: int = 1,
        where: RowConditionType = None,
    ) -> dict[str, Any]:
        """Return the arguments every expectation needs: words, weight and the rows it looks at (live ones).

        Args:
            subject: the column, or a word for several.
            what: the rule's own name; the id becomes ``<resource>.<subject>.<what>``.
            severity: what a failure means, ``stop``, ``set_aside``, ``flag`` or ``warn``.
            indicator: one of the twenty of GB/T 36344.
            zh: what must hold, in Chinese, for the department's report.
            en: the same in English.
            version: counted up when the meaning changes.
            where: which of the live rows it looks at, in GX's row conditions; None for all of them.
        """
        department = self.contract.government.department
        rule_id = f"{self.contract.id}.{subject}.{what}"
        rule = Rule(rule_id, severity, indicator, zh, en, department, version=version)
        if self.live_only:
            where = LIVE if where is None else LIVE & where
        return rule.arguments if where is None else {**rule.arguments, "row_condition": where}


def module_of(resource: str) -> str | None:
    """Return the module with the business rules of ``resource``, or None when it has no file."""
    domain, name = resource.split(".")
    package = f"{__name__}.{domain}"
    if importlib.util.find_spec(package) is None:
        return None
    module = f"{package}.{name}"
    return module if importlib.util.find_spec(module) else None


def business_rules(book: RuleBook) -> list[Expectation]:
    """Return the business rules of the book's resource; none when it has no rules file."""
    module = module_of(book.contract.id)
    if module is None:
        return []
    return list(importlib.import_module(module).expectations(book))
