"""One connection to the Spark Connect server (计算引擎连接), patient while the server restarts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from pyspark.errors.exceptions.connect import SparkConnectException
from pyspark.sql import DataFrame, SparkSession

from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings

PATIENCE_SECONDS = 120
SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
}
"""Set on every session, so that a site's cluster reads rows as the embedded server does."""
SMALL_BATCH = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
}
"""Settings for a plan over few rows: interpreted, planned once, in few parts."""
COMPILING_PAYS = 40_000
"""Rows of a batch from which compiling its plans to byte code costs less than interpreting them."""
COMPILING_SCANS_PAYS = 400_000
"""Rows of the tables beside it from which the same holds for what only looks through them."""
COMPILING_RULES_PAYS = 15_000
"""Rows from which the same holds for a plan of hundreds of expressions, as of rules that look at every value: a check
of 12,000 rows takes 2.2 s either way, of 50,000 rows 4.6 s interpreted and 2.8 s compiled."""
SENT_ALONG = 200_000
"""Rows of a batch up to which it is sent to every part of a large table, instead of both being sorted by key."""

_REFUSED = re.compile(r"UNAUTHENTICATED|authentication token|PERMISSION_DENIED")


class SparkUnavailableError(GuantongError):
    """The Spark Connect server did not answer in time."""

    code = "SPARK_UNAVAILABLE"


def connect(remote: str | None = None, patience: float = PATIENCE_SECONDS) -> SparkSession:
    """Return a session on the Spark Connect server, waiting while it starts or restarts.

    Args:
        remote: ``sc://host:port``; default the setting ``SPARK_REMOTE``.
        patience: seconds to keep trying.

    Raises:
        SparkUnavailableError: when it does not answer within ``patience``.
    """
    address = remote or get_settings().require("spark_remote")
    deadline = time.monotonic() + patience
    while True:
        try:
            spark = SparkSession.builder.remote(address).getOrCreate()
            for key, value in SESSION_SETTINGS.items():
                spark.conf.set(key, value)
            expect_rows(spark, 0)
            return spark
        except SparkConnectException as error:
            _forget_session()
            is_refused = _REFUSED.search(str(error)) is not None
            if is_refused or time.monotonic() > deadline:
                raise SparkUnavailableError(
                    f"the Spark Connect server does not {'let us in' if is_refused else 'answer'}: {_cause_of(error)}",
                    place=address,
                    remedy="set SPARK_REMOTE to what the stack's `env` file says, with its token"
                    if is_refused
                    else "see `make status` and the log spark.log; it restarts by itself within a minute",
                ) from error
            time.sleep(1)


def _cause_of(error: SparkConnectException) -> str:
    """Return what the connection says is wrong, without the frame in which it says so."""
    told = str(error)
    found = re.search(r'details = "([^"]+)"', told)
    return (found[1] if found else told.strip().splitlines()[0] if told.strip() else type(error).__name__)[:300]


def _forget_session() -> None:
    """Drop a session that the server has ended (idle, or the server was restarted), so that the next try makes one."""
    session = SparkSession.getActiveSession()
    if session is not None:
        with suppress(SparkConnectException):
            session.stop()


def expect_rows(spark: SparkSession, rows: int, standing: int = 0) -> None:
    """Tell the session how many rows the next plans are for: a batch of ``rows`` beside ``standing`` ones.

    Every plan of a Delta write is compiled anew in each session, and adapted between its steps by further jobs, which
    takes longer than a small batch itself: measured on 1,000 rows, a MERGE takes 4.1 s compiled and 2.5 s interpreted,
    and 1.9 s planned once. Of 20,000 rows into 2 million it takes 7 s compiled and 13 s interpreted.
    """
    if rows >= COMPILING_PAYS or standing >= COMPILING_SCANS_PAYS:
        for key in SMALL_BATCH:
            spark.conf.unset(key)
        return
    for key, value in SMALL_BATCH.items():
        spark.conf.set(key, value)


@contextmanager
def few_rows(spark: SparkSession, rows: int) -> Iterator[None]:
    """Have plans inside the block interpreted and planned once, where ``rows``, all that they look at, are few.

    Beside a large table a stage's plans are compiled, for those that look through it; each of the many that see only
    the batch would take some tenths of a second to compile.
    """
    if rows >= COMPILING_PAYS:
        yield
        return
    with set_for(spark, SMALL_BATCH):
        yield


@contextmanager
def set_for(spark: SparkSession, wanted: Mapping[str, str]) -> Iterator[None]:
    """Have settings as ``wanted`` inside the block, and as they were after it."""
    before = {key: spark.conf.get(key, None) for key in wanted}
    for key, value in wanted.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, value)


@contextmanager
def many_expressions(spark: SparkSession, rows: int = 0) -> Iterator[None]:
    """Have plans inside the block made of many small methods instead of one a stage.

    With hundreds of expressions a stage's one method passes the 8,000 bytes above which the JVM never compiles it:
    judging 200,000 rows took 11 to 23 s in one method, 5 s in small ones.

    Args:
        spark: the session.
        rows: how many the plans look at, at least; from ``COMPILING_RULES_PAYS`` on they are compiled whatever the
            session was told to expect.
    """
    wanted = {"spark.sql.codegen.wholeStage": "false"}
    if rows >= COMPILING_RULES_PAYS:
        wanted["spark.sql.codegen.factoryMode"] = "FALLBACK"
    with set_for(spark, wanted):
        yield


def sent_along(frame: DataFrame, rows: int) -> DataFrame:
    """Return ``frame``, of at most ``rows`` rows, marked to be sent to all parts of what it is joined with."""
    return frame.hint("broadcast") if rows <= SENT_ALONG else frame
