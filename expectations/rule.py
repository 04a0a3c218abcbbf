"""What a rule says beside its predicate (规则说明): id, severity, GB/T 36344 indicator, two languages, department."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["stop", "warn"]

INDICATORS = {
    "规范性": ("数据标准", "数据模型", "元数据", "业务规则", "权威参考数据", "安全规范"),
    "完整性": ("数据元素", "数据记录"),
    "准确性": ("内容正确性", "格式合规性", "重复率", "唯一性", "脏数据出现率"),
    "一致性": ("相同数据", "关联数据"),
    "时效性": ("时间段正确性", "时间点及时性", "时序性"),
    "可访问性": ("可访问", "可用"),
}
"""The six dimensions and twenty indicators of GB/T 36344-2018."""
_DIMENSION_OF = {indicator: dimension for dimension, indicators in INDICATORS.items() for indicator in indicators}


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

    def __post_init__(self) -> None:
        if self.indicator not in _DIMENSION_OF:
            raise ValueError(f"{self.indicator} is no indicator of GB/T 36344 (rule {self.rule_id})")

    @property
    def meta(self) -> dict[str, Any]:
        """The ``meta`` of the expectation.

        >>> Rule("a.b.c.not_null", "stop", "数据元素", "不得为空", "is never null", "civil_affairs").meta["dimension"]
        '完整性'
        """
        return {
            "rule_id": self.rule_id,
            "severity": self.severity,
            "standard": "GB/T 36344-2018",
            "dimension": _DIMENSION_OF[self.indicator],
            "indicator": self.indicator,
            "zh": self.zh,
            "en": self.en,
            "department": self.department,
            "on_empty": self.on_empty,
        }

    @property
    def arguments(self) -> dict[str, Any]:
        """``meta`` and GX's own severity, as keyword arguments of an expectation."""
        return {"meta": self.meta, "severity": "critical" if self.severity == "stop" else "warning"}
