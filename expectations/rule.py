"""What a rule says beside its predicate (规则说明): id, version, severity, GB/T 36344 indicator, words, department."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

Severity = Literal["stop", "set_aside", "flag", "warn"]
"""What a failure means (级别): stop the batch 阻断, set the row aside 隔离, publish with a flag 标注, warn 提示."""
MANDATORY: tuple[Severity, ...] = ("stop", "set_aside")
"""Severities under which no failing row may be in a version that passes."""
_GX_SEVERITY: dict[Severity, str] = {"stop": "critical", "set_aside": "critical", "flag": "warning", "warn": "info"}


@dataclass(frozen=True)
class Indicator:
    """One of the twenty indicators (评价指标) of GB/T 36344-2018, a line of ``indicators.csv``."""

    code: str
    dimension: str
    dimension_en: str
    indicator: str
    indicator_en: str
    question: str


@lru_cache
def indicators() -> dict[str, Indicator]:
    """Return the indicators by their Chinese name, in the standard's order."""
    with Path(__file__).with_name("indicators.csv").open(encoding="utf-8", newline="") as file:
        return {line["indicator"]: Indicator(**line) for line in csv.DictReader(file)}


@dataclass(frozen=True)
class Rule:
    """The words and weight of one expectation; travels in its ``meta``."""

    rule_id: str
    """Stable: ``<resource>.<column or table>.<what>``."""
    severity: Severity
    indicator: str
    zh: str
    en: str
    department: str
    """The department that can mend it."""
    on_empty: Severity = "warn"
    """What an all-null column means for this rule: never a pass."""
    version: int = 1
    """Counted up when the meaning of the rule changes under the same id."""

    def __post_init__(self) -> None:
        if self.indicator not in indicators():
            raise ValueError(f"{self.indicator} is no indicator of GB/T 36344 (rule {self.rule_id})")
        if self.severity not in _GX_SEVERITY or self.on_empty not in _GX_SEVERITY:
            raise ValueError(f"rule {self.rule_id}: severity is one of {', '.join(_GX_SEVERITY)}")
        if self.version < 1:
            raise ValueError(f"rule {self.rule_id}: versions count from 1")

    @property
    def meta(self) -> dict[str, Any]:
        """The ``meta`` of the expectation.

        >>> Rule("a.b.c.not_null", "stop", "数据元素", "不得为空", "is never null", "civil_affairs").meta["dimension"]
        '完整性'
        """
        indicator = indicators()[self.indicator]
        return {
            "rule_id": self.rule_id,
            "version": self.version,
            "severity": self.severity,
            "standard": "GB/T 36344-2018",
            "dimension": indicator.dimension,
            "indicator": indicator.indicator,
            "indicator_code": indicator.code,
            "zh": self.zh,
            "en": self.en,
            "department": self.department,
            "on_empty": self.on_empty,
        }

    @property
    def arguments(self) -> dict[str, Any]:
        """``meta``, GX's own severity and the words as GX's description, as keyword arguments of an expectation."""
        words = f"{self.zh} / {self.en}"
        return {"meta": self.meta, "severity": _GX_SEVERITY[self.severity], "description": words}
