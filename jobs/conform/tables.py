"""The shape of silver tables and of the tables of rows set aside (标准层表结构)."""

from __future__ import annotations

from catalog.model.contract import Contract
from jobs.runtime.delta import ColumnSpec
from jobs.runtime.versions import ORDER, ORDER_TYPE

PIPELINE_COLUMNS: list[ColumnSpec] = [
    ("_batch_id", "string", "批次"),
    ("_record_key", "string", "源记录标识"),
    ("_source_at", "timestamp", "源变更时间"),
    ("_is_deleted", "boolean", "是否已删除"),
    ("_flags", "array<string>", "标记"),
    ("_changes", "array<struct<column:string,raw:string,rule:string>>", "标准化变更"),
    ("_source", "string", "来源系统"),
    ("_source_file", "string", "来源文件"),
    ("_row_number", "bigint", "来源行号"),
    ("_row_id", "bigint", "行标识"),
    (ORDER, ORDER_TYPE, "先后次序"),
    ("_row_hash", "bigint", "标准值摘要"),
    ("_recorded_at", "timestamp", "入库时间"),
]
SET_ASIDE_COLUMNS: list[ColumnSpec] = [
    ("_batch_id", "string", "批次"),
    ("_record_key", "string", "源记录标识"),
    ("reasons", "array<string>", "搁置原因"),
    ("places", "array<struct<column:string,reason:string>>", "问题所在"),
    ("_source", "string", "来源系统"),
    ("_source_file", "string", "来源文件"),
    ("_row_number", "bigint", "来源行号"),
    ("_row_id", "bigint", "行标识"),
    ("_source_at", "timestamp", "源变更时间"),
    (ORDER, ORDER_TYPE, "先后次序"),
    ("_row", "map<string,string>", "原始行"),
    ("_run_id", "string", "运行"),
    ("_set_aside_at", "timestamp", "搁置时间"),
]


def silver_columns(contract: Contract) -> list[ColumnSpec]:
    """Return key columns first (so that Delta keeps statistics on them), the pipeline's own, then the rest."""
    declared = [(p.name, p.spark_type, p.business_name) for p in contract.properties]
    key = [column for column in declared if column[0] in contract.key]
    return key + PIPELINE_COLUMNS + [column for column in declared if column[0] not in contract.key]
