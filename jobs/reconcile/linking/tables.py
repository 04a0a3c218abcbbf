"""The shape of the tables that linking hands over (关联结果表结构)."""

from __future__ import annotations

from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from jobs.reconcile.linking.features import COLUMNS, RECORD_ID
from jobs.reconcile.statements import LINKED_BY
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
WAITING_COLUMNS: list[ColumnSpec] = [
    ("_record_key", "string", "源记录标识"),
    ("_entity_id", "string", "实体标识"),
    ("_reason", "string", "未入库原因"),
    ("_batch_id", "string", "批次"),
    ("_source_at", "timestamp", "源变更时间"),
    ("_source_file", "string", "来源文件"),
    ("_row_number", "bigint", "来源行号"),
    ("_recorded_at", "timestamp", "判定时间"),
]
_PIPELINE_COLUMNS: list[ColumnSpec] = [
    ("_entity_id", "string", "实体标识"),
    ("_linked_by", LINKED_BY, "关联方式"),
    ("_batch_id", "string", "批次"),
    ("_record_key", "string", "源记录标识"),
    ("_source_at", "timestamp", "源变更时间"),
    ("_is_deleted", "boolean", "是否已无记录"),
    ("_flags", "array<string>", "标记"),
    ("_changes", "array<struct<column:string,raw:string,rule:string>>", "标准化变更"),
    ("_source_file", "string", "来源文件"),
    ("_row_number", "bigint", "来源行号"),
    ("_row_hash", "bigint", "标准值摘要"),
    ("_recorded_at", "timestamp", "入库时间"),
]
_TYPES = {"string": "string", "list": "array<string>"}


def linkage_columns(kind: str) -> list[ColumnSpec]:
    """Return the shape of the features that are kept of a library's records."""
    return [(RECORD_ID, "string", "来源记录"), *((name, _TYPES[t], "") for name, t in COLUMNS[kind].items())]


def keyed_columns(library: Contract, source: Contract) -> list[ColumnSpec]:
    """Return the shape of what a keyless source says by the library's key: silver's, under that key."""
    key = reconcile_of(library).key
    declared = [(p.name, p.spark_type, p.business_name) for p in source.properties if p.name != key]
    return [(key, "string", "实体主键"), *_PIPELINE_COLUMNS, *declared]
