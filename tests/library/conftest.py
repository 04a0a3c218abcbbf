"""A lake of a few statements, written without Spark, for what people ask of the base libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from catalog.model.entity_ids import entity_id_of
from catalog.model.layers import statement_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

KEY = "0" * 64
_SAID = pa.struct([(name, pa.string()) for name in ("element", "value", "original", "rule")])
SCHEMA = pa.schema(
    [
        ("entity_id", pa.string()),
        ("entity_key", pa.string()),
        ("source", pa.string()),
        ("input_version", pa.int64()),
        ("recorded_on", pa.date32()),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("source_at", pa.timestamp("us", tz="UTC")),
        ("is_withdrawn", pa.bool_()),
        ("batch_id", pa.string()),
        ("record_key", pa.string()),
        ("source_file", pa.string()),
        ("row_number", pa.int64()),
        ("flags", pa.list_(pa.string())),
        ("statements", pa.list_(_SAID)),
    ]
)
Tell = Callable[..., None]


@pytest.fixture
def tell(tmp_path, monkeypatch) -> Iterator[Tell]:
    """Say something about an entity: ``tell(source, key, day, **values)``; ``None`` for values withdraws the record."""
    settings = get_settings()
    monkeypatch.setattr(settings, "lake_uri", f"file:{tmp_path}/lake")
    monkeypatch.setattr(settings, "identity_key", KEY)
    monkeypatch.setattr(settings, "business_date", date(2026, 3, 10))
    libraries = {i: c for c in get_registry().all("base") for i in c.government.reconcile.inputs}
    versions: dict[str, int] = {}

    def say(source: str, key: str, day: int, said: dict[str, str] | None = None, **more: object) -> None:
        library = libraries[source]
        versions[source] = versions.get(source, 0) + 1
        instant = datetime(2026, 3, day, 4, tzinfo=UTC)
        raw = more.pop("raw", {})
        row = {
            "entity_id": entity_id_of(library.id, key, KEY),
            "entity_key": key,
            "source": source,
            "input_version": versions[source],
            "recorded_on": date(2026, 3, day),
            "recorded_at": instant,
            "source_at": instant,
            "is_withdrawn": said is None,
            "batch_id": f"{source.split('.')[1]}-{day}",
            "record_key": str(versions[source]),
            "source_file": None,
            "row_number": versions[source],
            "flags": [],
            "statements": [
                {"element": e, "value": v, "original": raw.get(e), "rule": "name" if e in raw else None}
                for e, v in (said or {}).items()
            ],
            **more,
        }
        table = pa.Table.from_pylist([row], schema=SCHEMA)
        write_deltalake(statement_of(library).local_path, table, mode="append")

    yield say
