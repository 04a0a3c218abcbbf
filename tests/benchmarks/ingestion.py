"""Extract and conform against the obvious script: the whole table, and a day of one per cent on top."""

import os
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg

from catalog.model.settings import Settings
from tests.benchmarks.people import make_people, next_day
from tests.benchmarks.result import Result
from tests.benchmarks.stacks import bench_stack, timed

PEER = "PySpark + Delta by hand: read JDBC, withColumn, overwrite"
RESOURCE = "population.bench_person"
Say = Callable[[str], None]


def rows_wanted() -> int:
    """Return the size of the table; ``BENCH_ROWS`` makes it smaller while trying out."""
    return int(os.environ.get("BENCH_ROWS", 2_000_000))


def ours(settings: Settings, day: str) -> float:
    """Return the seconds of extract and conform as two processes."""
    return sum(
        timed(settings, "-m", "jobs", stage, "--resource", RESOURCE, business_date=day)
        for stage in ("extract", "conform")
    )


def theirs(settings: Settings) -> float:
    """Return the seconds of the obvious script."""
    address = urlsplit(settings.source("public_security"))
    jdbc = f"jdbc:postgresql://{address.hostname}:{address.port}{address.path}"
    secrets = {"SPARK_REMOTE": settings.require("spark_remote"), "PGPASSWORD": str(address.password)}
    arguments = (jdbc, str(address.username), settings.lake_uri)
    return timed(settings, "tests/benchmarks/obvious_script.py", *arguments, secrets=secrets)


def accepted(settings: Settings) -> list[tuple[str, int, int, int]]:
    """Return stage, rows read, accepted and set aside of every batch, to see that work was done."""
    url = settings.control_url.replace("+psycopg", "")
    query = "SELECT stage, read, accepted, set_aside FROM ledger_entry WHERE resource = %s ORDER BY recorded_at"
    with psycopg.connect(url) as connection:
        return [tuple(row) for row in connection.execute(query, (RESOURCE,)).fetchall()]  # type: ignore[misc]


def ingestion(say: Say) -> list[Result]:
    """Extract + conform of 2 million rows, then of a 1 % next day, against the script's full refresh."""
    rows = rows_wanted()
    with bench_stack() as settings:
        say(f"making {rows:,} people")
        make_people(settings, rows)
        say("the obvious script, whole table")
        script_first = theirs(settings)
        say(f"  {script_first:.1f} s; ours, whole table")
        first = ours(settings, "2026-02-01")
        moved = next_day(settings, rows)
        say(f"  {first:.1f} s; next day: {moved:,} rows moved; ours")
        day = ours(settings, "2026-02-02")
        say(f"  {day:.1f} s; the obvious script again, whole table")
        script_day = theirs(settings)
        say(f"  {script_day:.1f} s")
        for line in accepted(settings):
            say(f"  ledger {line}")
    size = f"{rows / 1e6:g} M rows"
    return [
        Result(f"extract+conform, {size}", PEER, first, script_first, "s"),
        Result(f"next day of 1 % on {size}", f"{PEER} (full refresh)", day, script_day, "s", goal=0.2),
    ]
