"""Known records (已知记录): key and time of change of every living record of a live table, kept beside bronze.

They can always be found again from bronze. Since finding them means grouping the whole table, they are kept in a file
of landing under the version of bronze that they describe; another version, and they are found anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from psycopg import sql
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from jobs.extract import landing
from jobs.extract.known_rows import NEVER, record_states
from jobs.extract.snapshot import Snapshot

FILE = "known_records.parquet"
VERSION = b"bronze_version"
_PARSE = pa.csv.ParseOptions(newlines_in_values=True)
_READ = pa.csv.ReadOptions(column_names=["_record_key", "_changed_at", "_is_in_window"])
_CONVERT = pa.csv.ConvertOptions(
    column_types={"_record_key": pa.string(), "_changed_at": pa.int64(), "_is_in_window": pa.bool_()},
    true_values=["t"],
    false_values=["f"],
)


def present_records(snapshot: Snapshot, query: sql.Composable) -> pa.Table:
    """Return what a query of :func:`jobs.extract.windows.record_query` finds, as one Arrow table."""
    sink = pa.BufferOutputStream()
    copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with snapshot.connection.cursor().copy(snapshot.compose(copy)) as blocks:
        for block in blocks:
            sink.write(block)
    buffer = sink.getvalue()
    if not buffer.size:
        return _empty().append_column("_is_in_window", pa.array([], pa.bool_()))
    found = pa.csv.read_csv(buffer, read_options=_READ, parse_options=_PARSE, convert_options=_CONVERT)
    return found.set_column(1, "_changed_at", pc.fill_null(found["_changed_at"], NEVER))


def repeated_keys(present: pa.Table) -> int:
    """Return how many record keys stand on more than one row."""
    counts = present.group_by("_record_key").aggregate([("_record_key", "count")])
    return int(pc.sum(pc.greater(counts["_record_key_count"], 1)).as_py() or 0)


def known_records(contract: Contract, earlier: DataFrame, version: int) -> pa.Table:
    """Return the living records as bronze knows them at ``version``.

    Args:
        contract: the resource.
        earlier: bronze rows, of which they are found when nothing fitting is kept.
        version: version of bronze.
    """
    path = _path(contract)
    if path.is_file() and (pq.read_schema(path).metadata or {}).get(VERSION) == str(version).encode():
        return pq.read_table(path)
    alive = record_states(earlier).where("_is_alive")
    changed = F.coalesce(F.unix_micros("_seen_change"), F.lit(NEVER))
    return alive.select("_record_key", changed.alias("_changed_at")).toArrow().cast(_empty().schema)


def keep_records(contract: Contract, present: pa.Table, version: int) -> None:
    """Keep the records of the source, with which bronze agrees since ``version``."""
    path = _path(contract)
    table = present.select(["_record_key", "_changed_at"]).replace_schema_metadata({VERSION: str(version)})
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.touch(mode=0o600)
    pq.write_table(table, unfinished, compression="zstd")
    unfinished.replace(path)


def _path(contract: Contract) -> Path:
    return landing.dataset_folder(contract) / FILE


def _empty() -> pa.Table:
    return pa.schema([("_record_key", pa.string()), ("_changed_at", pa.int64())]).empty_table()
