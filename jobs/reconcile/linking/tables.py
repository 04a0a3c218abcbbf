"""The shape of the tables that linking hands over (关联结果表结构)."""

from __future__ import annotations

from jobs.reconcile.linking.features import COLUMNS, RECORD_ID
from jobs.runtime.delta import ColumnSpec

IDENTITY_COLUMNS: list[ColumnSpec] = [
    (RECORD_ID, "string", "来源记录"),
    ("resource", "string", "来源资源"),
    ("record_key", "string", "记录键"),
    ("entity_id", "string", "实体标识"),
    ("original_id", "string", "归并前的实体标识"),
    ("method", "string", "关联方式"),
    ("model", "string", "模型版本"),
    ("weight", "double", "证据（比特）"),
    ("linked_to", "string", "关联到的记录"),
    ("_recorded_at", "timestamp", "判定时间"),
]
REDIRECT_COLUMNS: list[ColumnSpec] = [
    ("from_id", "string", "原标识"),
    ("to_id", "string", "现标识"),
]
_TYPES = {"string": "string", "list": "array<string>"}


def linkage_columns(kind: str) -> list[ColumnSpec]:
    """Return the shape of the features that are kept of a library's records."""
    return [(RECORD_ID, "string", "来源记录"), *((name, _TYPES[t], "") for name, t in COLUMNS[kind].items())]
