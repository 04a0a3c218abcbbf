"""Standardising rules as Spark column expressions (标准化规则): no Python runs per row.

They are held equal to the pure functions of ``catalog.model.ids`` by tests.
"""

from __future__ import annotations

from jobs.runtime.standards.registry import rule_of
from jobs.runtime.standards.rule import Rule, apply_rules

__all__ = ["Rule", "apply_rules", "rule_of"]
