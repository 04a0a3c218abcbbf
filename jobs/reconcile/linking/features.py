"""Features of many records at once (特征提取): rows in, one feature row each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa

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


def feature_schema(kind: str) -> pa.Schema:
    """Return the shape of the features of ``kind``: ``person`` or ``entity``."""
    fields = [(name, _ARROW[type_]) for name, type_ in COLUMNS[kind].items()]
    return pa.schema([(RECORD_ID, pa.string()), *fields])


def extract_features(kind: str, records: Iterable[Mapping[str, str | None]]) -> pa.Table:
    """Return one feature row per record; each record says its ``record_id``."""
    extract = EXTRACTORS[kind]
    rows = [{RECORD_ID: record[RECORD_ID], **extract(record)} for record in records]
    return pa.Table.from_pylist(rows, schema=feature_schema(kind))
