"""The shape of base libraries and of the tables of conflicts (基础库表结构)."""

from __future__ import annotations

from catalog.model.contract import Contract
from jobs.runtime.delta import ColumnSpec

PIPELINE_COLUMNS: list[ColumnSpec] = [
    ("_is_deleted", "boolean", "是否已注销"),
    ("_flags", "array<string>", "标记"),
    ("_in_verification", "array<string>", "核查中的数据项"),
    ("_provenance", "map<string,string>", "每项数据的来源"),
    ("_batch_ids", "array<string>", "来源批次"),
    ("_row_hash", "bigint", "内容摘要"),
    ("_recorded_at", "timestamp", "入库时间"),
]
CONFLICT_COLUMNS: list[ColumnSpec] = [
    ("entity_key", "string", "实体主键"),
    ("entity_id", "string", "实体标识"),
    ("element", "string", "数据项"),
    ("chosen_source", "string", "采信来源"),
    ("chosen_value", "string", "采信值"),
    ("chosen_record_key", "string", "采信记录"),
    ("other_source", "string", "相异来源"),
    ("other_value", "string", "相异值"),
    ("other_record_key", "string", "相异记录"),
    ("doubted_department", "string", "存疑部门"),
    ("conflict_key", "string", "冲突标识"),
    ("_recorded_at", "timestamp", "发现时间"),
]


def base_columns(contract: Contract) -> list[ColumnSpec]:
    """Return key and entity id first, the pipeline's own, then the rest."""
    declared = [(p.name, p.spark_type, p.business_name) for p in contract.properties]
    reconcile = contract.government.reconcile
    first = {*contract.key, reconcile.entity_id if reconcile else ""}
    return [c for c in declared if c[0] in first] + PIPELINE_COLUMNS + [c for c in declared if c[0] not in first]
