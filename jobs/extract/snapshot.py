"""One consistent view of a department's PostgreSQL database (一致性快照), shared by all parallel readers.

The connection exports its snapshot; every JDBC connection of Spark adopts it. So the count taken here is the count
that must arrive, rows cannot move between partitions while they are read, and a deletion is seen by all or by none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from pyspark.sql import DataFrame, SparkSession

from catalog.model.errors import GuantongError

FETCH_ROWS = 10_000
SESSION_ZONE = "UTC"
CALM_ATTEMPTS, CALM_PAUSE = 20, 0.1
WRAP = 1 << 32
"""Locks name transactions by the lower 32 bits of their number."""


class SourceAddressError(GuantongError):
    """The address of a source system cannot be understood."""

    code = "SOURCE_ADDRESS_INVALID"


@dataclass(frozen=True)
class Snapshot:
    """A read-only transaction on the source, open while Spark reads."""

    connection: psycopg.Connection
    name: str
    taken_at: datetime
    """The source's own clock."""
    running_from: int
    """No transaction of this database with a lower number was running when the snapshot was taken."""
    next_number: int
    """The first transaction number not yet given out."""

    def value(self, query: sql.Composable, parameters: Sequence[object] | None = None) -> object:
        """Return the one value of a query."""
        row = self.connection.execute(self.compose(query), parameters).fetchone()
        return row[0] if row else None

    def rows(self, query: sql.Composable, parameters: Sequence[object] | None = None) -> list[tuple[object, ...]]:
        """Return the rows of a small query."""
        return list(self.connection.execute(self.compose(query), parameters).fetchall())

    def compose(self, query: sql.Composable) -> str:
        """Return a query as text, its identifiers and literals quoted by the driver."""
        return query.as_string(self.connection)


@contextmanager
def open_snapshot(url: str) -> Iterator[Snapshot]:
    """Open a snapshot of the database at ``url``, at a calm moment if there is one within a few seconds.

    Args:
        url: ``postgresql://user:password@host:port/database``.

    Raises:
        SourceAddressError: it is no such address; the driver's own words would quote it.
    """
    with _connect(url) as connection:
        for attempt in range(CALM_ATTEMPTS):
            running_from = _running_from(connection)
            snapshot = _take(connection, running_from)
            if snapshot.running_from >= snapshot.next_number or attempt == CALM_ATTEMPTS - 1:
                break
            connection.rollback()
            time.sleep(CALM_PAUSE)
        yield snapshot
        connection.rollback()


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=30, application_name="guantong extract")
    except psycopg.ProgrammingError:
        pass
    raise SourceAddressError(
        "the address of the source is none of a PostgreSQL database",
        place="SOURCE_<SERVER>",
        remedy="write postgresql://user:password@host:port/database, other signs in the password as %XX",
    )


def _running_from(connection: psycopg.Connection) -> int:
    """Return the lowest transaction number that may still be running in this database.

    Read before the snapshot: what ends in between is visible to it. Numbers of other databases do not count.
    """
    with connection.transaction():
        row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        next_number = int(row[0]) if row else 0
        running = connection.execute(
            "SELECT l.transactionid::text::bigint FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid) "
            "WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted "
            "AND (a.datname IS NULL OR a.datname = current_database())"
        ).fetchall()
    return min([next_number, *(next_number - (next_number - int(xid)) % WRAP for (xid,) in running)])


def _take(connection: psycopg.Connection, running_from: int) -> Snapshot:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.execute("SET LOCAL TIME ZONE 'UTC'")
    row = connection.execute(
        "SELECT pg_export_snapshot(), now(), pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint, "
        "pg_is_in_recovery() FROM pg_current_snapshot() AS s"
    ).fetchone()
    if row is None:
        raise psycopg.OperationalError("the source gave no snapshot")
    name, taken_at, oldest, next_number, on_standby = row
    running = oldest if on_standby else running_from
    return Snapshot(connection, name, taken_at.astimezone(UTC), running, next_number)


@dataclass(frozen=True)
class Cut:
    """How a read is cut into parallel parts: a whole-number column of the query, and its bounds."""

    column: str
    lowest: int
    highest: int
    parts: int


def read_jdbc(spark: SparkSession, snapshot: Snapshot, query: sql.Composable, cut: Cut | None = None) -> DataFrame:
    """Return the rows of a query as the snapshot sees them, read by Spark.

    Args:
        spark: the session.
        snapshot: the open snapshot.
        query: a SELECT.
        cut: how to read in parallel; in one part when not given.
    """
    information = snapshot.connection.info
    adopt = sql.SQL(
        "SET TIME ZONE {zone}; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT {name}"
    ).format(zone=sql.Literal(SESSION_ZONE), name=sql.Literal(snapshot.name))
    options = {
        "url": f"jdbc:postgresql://{information.host}:{information.port}/{information.dbname}",
        "driver": "org.postgresql.Driver",
        "user": information.user,
        "password": information.password,
        "dbtable": f"({snapshot.compose(query)}) AS source",
        "fetchsize": str(FETCH_ROWS),
        "sessionInitStatement": snapshot.compose(adopt),
        "pushDownPredicate": "false",
        "ApplicationName": "guantong extract",
    }
    if "sslmode" in information.get_parameters():
        options["sslmode"] = information.get_parameters()["sslmode"]
    if cut and cut.parts > 1 and cut.highest > cut.lowest:
        options |= {
            "partitionColumn": cut.column,
            "lowerBound": str(cut.lowest),
            "upperBound": str(cut.highest),
            "numPartitions": str(cut.parts),
        }
    return spark.read.format("jdbc").options(**options).load()
