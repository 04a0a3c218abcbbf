"""Features of many records at once (特征提取): rows in, one feature row each, in this process or on Spark's workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.reconcile.linking import entity_features, person_features
from jobs.reconcile.linking.person_features import Features

EXTRACTORS: dict[str, Callable[[Mapping[str, str | None]], Features]] = {
    "person": person_features.person_features,
    "entity": entity_features.entity_features,
}
COLUMNS = {"person": person_features.COLUMNS, "entity": entity_features.COLUMNS}
RECORD_ID = "record_id"
"""Column with ``<resource>|<record key>``, unique over all records that are linked."""
_ARROW = {"string": pa.string(), "list": pa.list_(pa.string())}
_SPARK = {"string": "string", "list": "array<string>"}


def feature_schema(kind: str) -> pa.Schema:
    """Return the shape of the features of ``kind``: ``person`` or ``entity``."""
    fields = [(name, _ARROW[type_]) for name, type_ in COLUMNS[kind].items()]
    return pa.schema([(RECORD_ID, pa.string()), *fields])


def extract_features(kind: str, records: Iterable[Mapping[str, str | None]]) -> pa.Table:
    """Return one feature row per record; each record says its ``record_id``."""
    extract = EXTRACTORS[kind]
    rows = [{RECORD_ID: record[RECORD_ID], **extract(record)} for record in records]
    return pa.Table.from_pylist(rows, schema=feature_schema(kind))


def spark_features(kind: str, records: DataFrame) -> DataFrame:
    """Return the same on Spark's workers, for lists that no one process should hold."""
    columns = ", ".join(f"{name} {_SPARK[type_]}" for name, type_ in COLUMNS[kind].items())

    def extract(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from extract_features(kind, batch.to_pylist()).to_batches()

    return records.mapInArrow(extract, f"{RECORD_ID} string, {columns}")
