"""Each way in which an engine does not start is told by its cause; the lines are those that the engines write."""

from pathlib import Path

import pytest

from infra.stack.causes import KNOWN, find_cause

LINES = {
    "disk": ("postgres: FATAL:  could not extend file \"base/5/1\": No space left on device", "the disk is full"),
    "postgres port": ("LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use", "port is taken"),
    "spark port": ("java.net.BindException: Failed to bind to address /127.0.0.1:15002", "port is taken"),
    "airflow port": ("ERROR: [Errno 98] error while attempting to bind on address: address in use", "port is taken"),
    "heap": ("Error occurred during initialization of VM: Could not reserve enough space for object heap", "memory"),
    "shared memory": ("FATAL:  could not create shared memory segment: Cannot allocate memory", "memory"),
    "java": ("java.lang.UnsupportedClassVersionError: org/apache/spark/deploy/SparkSubmit", "no Java 17"),
    "jar": ("java.lang.ClassNotFoundException: io.delta.sql.DeltaSparkSessionExtension", "JAR"),
    "package": ("ModuleNotFoundError: No module named 'airflow'", "Python package"),
    "mode": ("FATAL:  data directory \"/x\" has invalid permissions", "another owner or mode"),
    "version": ("FATAL:  database files are incompatible with server", "another version of PostgreSQL"),
    "damaged": ("PANIC:  could not locate a valid checkpoint record at 0/1", "damaged"),
    "password": ('psycopg2.OperationalError: FATAL:  password authentication failed for user "airflow"', "password"),
    "revision": ("alembic.util.exc.CommandError: Can't locate revision identified by '9a1'", "later version"),
    "rights": ("PermissionError: [Errno 13] Permission denied: '/x/logs'", "cannot be written"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_a_cause_is_known_by_its_line_and_has_a_remedy(tmp_path: Path, name: str) -> None:
    line, words = LINES[name]
    log = tmp_path / "x.log"
    log.write_text(f"starting\n{line}\n    at somewhere\nshutting down\n")
    cause = find_cause(log)
    assert cause is not None and words in cause.words and line.strip()[-20:] in cause.words and len(cause.remedy) > 10


def test_every_known_cause_is_met(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    met = set()
    for line, _ in LINES.values():
        log.write_text(line)
        cause = find_cause(log)
        assert cause is not None
        met.add(cause.remedy)
    assert met == {cause.remedy for _, cause in KNOWN}


def test_what_stood_in_the_log_before_this_start_is_no_cause(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("No space left on device\n")
    before = log.stat().st_size
    assert find_cause(log, before) is None
    with log.open("a") as stream:
        stream.write("ready\nValueError: seven\nbye\n")
    cause = find_cause(log, before)
    assert cause is not None and cause.words == "ValueError: seven" and cause.remedy == ""
    assert find_cause(tmp_path / "none.log") is None


def test_a_cause_tells_no_password(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("sqlalchemy.exc.OperationalError: cannot open postgresql://airflow:s3cretword@127.0.0.1/airflow\n")
    cause = find_cause(log)
    assert cause is not None and "airflow:***@" in cause.words
