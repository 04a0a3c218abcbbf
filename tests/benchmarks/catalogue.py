"""The exchange catalogue: search over 10,000 entries and 300,000 items, and 2,000 random lives of grants.

``CATALOGUE_ENTRIES`` and ``CATALOGUE_ITEMS`` set the size; ``STATEFUL_RUNS`` the number of lives.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.control.entry_search import search_entries
from catalog.control.migrations import migrate
from catalog.control.session import engine, session_scope
from tests.benchmarks.result import Result
from tests.control.postgres_server import running_server
from tests.exchange.large_catalogue import QUERIES, fill, large_entries

CHECKOUT = Path(__file__).resolve().parents[2]
ROUNDS = 20
LIMIT_SECONDS = 0.1
"""What the catalogue promises for one search."""


def catalogue_search(say: Callable[[str], None]) -> list[Result]:
    """Search in Chinese, pinyin and initials over 10,000 entries of 30 items, against a scan of the same texts."""
    entries = int(os.environ.get("CATALOGUE_ENTRIES", "10000"))
    items = int(os.environ.get("CATALOGUE_ITEMS", "30"))
    with running_server() as server:
        url = server.create_database()
        migrate(url=url)
        with session_scope(url) as session:
            fill(session, large_entries(entries, items))
        say(f"{entries} entries, {entries * items} items")
        with session_scope(url) as session:
            ours = [_seconds(lambda query=query: search_entries(session, query)) for query in QUERIES * ROUNDS]
            chinese = [query for query in QUERIES if not query.isascii()]
            theirs = [_seconds(lambda query=query: _scan(session, query)) for query in chinese]
        engine(url).dispose()
    slow = statistics.quantiles(ours, n=100)[94] * 1000
    say(f"slowest {max(ours) * 1000:.1f} ms, median {statistics.median(ours) * 1000:.1f} ms")
    return [
        Result("catalogue-search", "100 ms (p95)", slow, LIMIT_SECONDS * 1000, "ms", goal=1.0),
        Result("catalogue-search", "ILIKE over the entries (median)", statistics.median(ours) * 1000,
               statistics.median(theirs) * 1000, "ms"),
    ]  # fmt: skip


def grant_life(say: Callable[[str], None]) -> list[Result]:
    """Run 2,000 random lives of applications and grants; none reaches an illegal state, or the case fails."""
    return [_histories(say, "grant-life", "test_grant_life.py", "STATEFUL_RUNS", "lives without an illegal state")]


def coalitions(say: Callable[[str], None]) -> list[Result]:
    """Run 2,000 histories of people who cheat together; too few of them never get anything, or the case fails."""
    return [_histories(say, "coalitions", "test_coalitions.py", "COALITIONS", "coalitions that got what they may")]


def _histories(say: Callable[[str], None], case: str, file: str, setting: str, what: str) -> Result:
    runs = os.environ.get(setting, "2000")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"tests/exchange/{file}", "-p", "no:cacheprovider"],
        cwd=CHECKOUT,
        env={**os.environ, setting: runs},
        capture_output=True,
        text=True,
        check=False,
    )
    say(done.stdout[-2000:])
    if done.returncode != 0:
        raise SystemExit(f"{case}: a history went where it must not")
    seconds = time.perf_counter() - began
    return Result(case, f"{runs} {what}", seconds, seconds, "s")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _scan(session: Session, query: str) -> object:
    pattern = f"%{query}%"
    return session.execute(
        text("SELECT number, name FROM catalogue_entry WHERE state = 'published' AND content::text ILIKE :p LIMIT 20"),
        {"p": pattern},
    ).all()
