"""Which rows of a source table one run reads (读取窗口): change feed, watermark, or the whole table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import sql

from catalog.model.record_keys import ESCAPED, SEPARATOR
from catalog.model.source import DatabaseSource, FeedSource, FullSource, WatermarkSource
from jobs.extract.marks import Position
from jobs.extract.snapshot import Cut, Snapshot
from jobs.extract.source_table import SourceTable

OPERATIONS = {"I": "I", "U": "U", "D": "D", "INSERT": "I", "UPDATE": "U", "DELETE": "D"}
ROWS_PER_PART = 50_000
LiveSource = WatermarkSource | FullSource


@dataclass(frozen=True)
class Window:
    """What is read in one run."""

    condition: sql.Composable
    """SQL condition on the source table."""
    begins: str
    """Where it begins, overlap included; empty for the whole table."""
    ends: str
    """Where the next window begins, as far as no transaction is under way."""
    above: int | None = None
    """Of a feed: a number below all that are read; nothing for the whole of it."""


def window_of(snapshot: Snapshot, table: SourceTable, source: LiveSource, position: Position) -> Window:
    """Return the window of a run over a live table, from the position to the present."""
    if isinstance(source, WatermarkSource):
        return _watermark_window(snapshot, table, source, position)
    return Window(sql.SQL("true"), "", snapshot.taken_at.isoformat())


def _watermark_window(snapshot: Snapshot, table: SourceTable, source: WatermarkSource, position: Position) -> Window:
    """Return the rows changed since the position, and those without a time of change.

    The window ends at the newest change that is not after the source's own present: a row stamped with the year 2099
    must not hide those of tomorrow. It is read each time, and known each time.
    """
    table.require(source.changed_at)
    changed, column = table.instant(source.changed_at), sql.Identifier(source.changed_at)
    newest = sql.SQL("SELECT max({0}) FILTER (WHERE {0} <= now()) FROM {1} WHERE {2}")
    if not position.start:
        condition: sql.Composable = sql.SQL("true")
        begins = ""
    else:
        start = datetime.fromisoformat(position.start) - timedelta(seconds=source.overlap_seconds)
        begins = start.astimezone(UTC).isoformat()
        later = "{} > {}::timestamptz" if changed == column else "{} > ({}::timestamptz AT TIME ZONE 'Asia/Shanghai')"
        untimed = "{} IS NULL OR {} < '0001-01-01'"
        condition = sql.SQL(f"({later} OR {untimed})").format(column, sql.Literal(begins), column, column)
    found = snapshot.value(newest.format(changed, table.identifier, condition))
    reached = found.astimezone(UTC).isoformat() if isinstance(found, datetime) else ""
    return Window(condition, begins, max(reached, position.reached))


def row_query(table: SourceTable, source: DatabaseSource, condition: sql.Composable) -> sql.Composable:
    """Return the SELECT of whole rows: contract columns as text, then what the pipeline keeps beside them."""
    parts = [table.text(column) for column in table.columns]
    parts.append(sql.SQL("{} AS {}").format(_row_number(table, source), sql.Identifier("_row_number")))
    changed = source.changed_at
    moment = table.moment(changed) if changed else sql.SQL("NULL::timestamptz")
    parts.append(sql.SQL("{} AS {}").format(moment, sql.Identifier("_source_at")))
    parts.append(sql.SQL("{} AS {}").format(_operation(source), sql.Identifier("_operation")))
    parts.append(sql.SQL("{} AS {}").format(_origin(table, source), sql.Identifier("_source_file")))
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.SQL(", ").join(parts), table.identifier, condition)


def record_query(
    table: SourceTable, source: DatabaseSource, key: list[str], condition: sql.Composable
) -> sql.Composable:
    """Return the SELECT of all rows' record keys, times of change and whether ``condition`` holds.

    The time is in microseconds since 1970, null where there is none or no calendar has it; the key is made as
    :func:`jobs.extract.bronze.record_key` makes it.
    """
    changed: sql.Composable = sql.SQL("NULL")
    if source.changed_at:
        changed = sql.SQL("(extract(epoch FROM {}) * 1000000)::bigint").format(table.moment(source.changed_at))
    record = record_key(table, key)
    return sql.SQL("SELECT {}, {}, coalesce({}, false) FROM {}").format(record, changed, condition, table.identifier)


def record_key(table: SourceTable, key: list[str]) -> sql.Composable:
    """Return the SQL of a record's key as one text, made as :mod:`catalog.model.record_keys` says."""
    parts: list[sql.Composable] = [
        sql.SQL("coalesce({}::text, '')").format(sql.Identifier(table.columns[column])) for column in key
    ]
    if len(parts) == 1:
        return parts[0]
    for text, written in ESCAPED:
        replaced = sql.SQL("replace({}, {}, {})")
        parts = [replaced.format(part, sql.Literal(text), sql.Literal(written)) for part in parts]
    return sql.SQL("concat_ws({}, {})").format(sql.Literal(SEPARATOR), sql.SQL(", ").join(parts))


def _cutting_column(table: SourceTable, source: DatabaseSource) -> str | None:
    column = source.cursor if isinstance(source, FeedSource) else source.partition_column
    return column if table.is_whole_number(column) else None


def _row_number(table: SourceTable, source: DatabaseSource) -> sql.Composable:
    column = _cutting_column(table, source)
    return sql.SQL("{}::bigint").format(sql.Identifier(column)) if column else sql.SQL("NULL::bigint")


def _operation(source: DatabaseSource) -> sql.Composable:
    if not isinstance(source, FeedSource):
        return sql.Literal("U")
    cases = [
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(word), sql.Literal(code)) for word, code in OPERATIONS.items()
    ]
    return sql.SQL("CASE upper(trim({}::text)) {} END").format(
        sql.Identifier(source.operation), sql.SQL(" ").join(cases)
    )


def unknown_operations(table: SourceTable, source: FeedSource, condition: sql.Composable) -> sql.Composable:
    """Return the SELECT that counts feed rows whose operation nobody knows, with the first and last of them."""
    cursor = sql.Identifier(source.cursor)
    return sql.SQL("SELECT count(*), min({0})::text, max({0})::text FROM {1} WHERE {2} AND ({3}) IS NULL").format(
        cursor, table.identifier, condition, _operation(source)
    )


def times_ahead(table: SourceTable, changed: str, condition: sql.Composable, until: datetime) -> sql.Composable:
    """Return the SELECT that counts rows whose time of change is later than ``until``."""
    query = "SELECT count(*) FROM {} WHERE ({}) AND {} > {}::timestamptz"
    return sql.SQL(query).format(table.identifier, condition, table.moment(changed), sql.Literal(until.isoformat()))


def repeated_records(table: SourceTable, key: list[str], condition: sql.Composable) -> sql.Composable:
    """Return the SELECT that counts the record keys which stand on more than one row."""
    query = "SELECT count(*) FROM (SELECT FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1) AS repeated"
    return sql.SQL(query).format(table.identifier, condition, record_key(table, key))


def _origin(table: SourceTable, source: DatabaseSource) -> sql.Composable:
    """Return the SQL of where a row comes from: the table, and the department's own batch number in a feed."""
    if isinstance(source, FeedSource) and source.batch in table.types:
        batch = sql.Identifier(source.batch)
        return sql.SQL("{} || '#' || coalesce({}::text, '')").format(sql.Literal(table.label), batch)
    return sql.Literal(table.label)


def cut_of(
    snapshot: Snapshot, table: SourceTable, source: DatabaseSource, condition: sql.Composable, rows: int
) -> Cut | None:
    """Return how to read a window in parallel; nothing when it is small or has no whole-number column."""
    column = _cutting_column(table, source)
    parts = min(source.partitions, max(rows // ROWS_PER_PART, 1))
    if column is None or parts < 2:
        return None
    query = sql.SQL("SELECT min({0})::bigint, max({0})::bigint FROM {1} WHERE {2}")
    [(lowest, highest)] = snapshot.rows(query.format(sql.Identifier(column), table.identifier, condition))
    if lowest is None or highest is None:
        return None
    return Cut("_row_number", int(str(lowest)), int(str(highest)), parts)
