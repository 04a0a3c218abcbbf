"""The embedded PostgreSQL: passwords, loopback, its own user and folder, and its return after a kill."""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from catalog.control.privileges import SERVICE_ROLE
from infra.stack import StackError, is_running, read_status, up
from infra.stack.home import MIGRATED, Home, read_json
from infra.stack.ports import LOOPBACK
from infra.stack.postgres import DATABASES, RECORD, Postgres, find_postgres, remove_abandoned
from infra.stack.secrets import load_secrets

DATABASE = "infra.stack.table:database"
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def modes(folder: Path) -> dict[Path, tuple[int, int]]:
    return {place: (place.stat().st_mode, place.stat().st_uid) for place in (folder, *folder.parents)}


@pytest.fixture(scope="module")
def seen(make_home: Callable[[str], Home]) -> Iterator[tuple[Postgres, dict, dict]]:
    """A started database in a home below a folder that others may not pass, with the modes before and after."""
    home = make_home("private")
    home.root.mkdir(parents=True)
    home.root.parent.chmod(0o700)
    before = modes(home.root)
    up(home=home, table=DATABASE)
    secrets = load_secrets(home)
    yield find_postgres(home, read_json(home.ports_file)["postgres"], secrets), before, modes(home.root)


@pytest.fixture
def server(seen: tuple[Postgres, dict, dict]) -> Postgres:
    return seen[0]


def pid(server: Postgres) -> int:
    (entry,) = read_status(server.home)
    assert entry.pid
    return entry.pid


def test_each_database_opens_for_its_owner(server: Postgres) -> None:
    for name in DATABASES:
        with psycopg.connect(server.url(name)) as connection:
            row = connection.execute("SELECT current_user, current_database(), version()").fetchone()
        assert row is not None
        assert row[:2] == (name, name)
        assert row[2].startswith("PostgreSQL 18")


def test_a_wrong_or_missing_password_is_refused(server: Postgres) -> None:
    right = server.url("control")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(right.replace(server.secrets["control"], "wrong"))
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(right.replace(f":{server.secrets['control']}", ""))
    with psycopg.connect(server.url("postgres")) as connection:
        rows = connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
    assert {name for name, _ in rows} == {*DATABASES, "postgres", SERVICE_ROLE}
    assert all(password.startswith("SCRAM-SHA-256$") for _, password in rows)


def test_a_department_does_not_reach_another_database(server: Postgres) -> None:
    for database in ("control", "market_regulation"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(server.url(database, role="public_security"))


def test_listens_on_loopback_only(server: Postgres) -> None:
    listening = [c.laddr.ip for c in psutil.Process(pid(server)).net_connections("all") if c.status == "LISTEN"]
    assert listening == [LOOPBACK]
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_no_folder_but_its_own_changes(seen: tuple[Postgres, dict, dict]) -> None:
    server, before, after = seen
    assert len(before) > 3
    assert after == before
    assert server.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_runs_unprivileged_beside_a_private_home(server: Postgres) -> None:
    assert psutil.Process(pid(server)).uids().effective == server.data.stat().st_uid != 0
    assert not server.data.is_relative_to(server.home.root)
    assert server.home.fingerprint in server.folder.name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_stays_in_a_home_that_can_be_passed(make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home("open")
    home.create()
    monkeypatch.setattr("infra.stack.postgres._can_pass", lambda folder, account: True)
    assert find_postgres(home, 1, {}).folder == home.root / "postgres"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_the_folder_of_a_deleted_home_is_removed(server: Postgres, tmp_path: Path) -> None:
    account = server.account
    assert account is not None
    abandoned = Path(tempfile.mkdtemp(prefix="guantong-00000000-", dir=server.folder.parent))
    (abandoned / "home").write_text(f"{tmp_path / 'gone'}\n")
    os.chown(abandoned, account.pw_uid, account.pw_gid)
    remove_abandoned(account)
    assert not abandoned.exists()
    assert server.data.exists()
    assert server.probe(0.0) is None


def test_commits_are_on_the_disk_before_they_are_answered(server: Postgres) -> None:
    with psycopg.connect(server.url("control")) as connection:
        told = {name: connection.execute(f"SHOW {name}").fetchone() for name in DURABLE}
    assert told == dict.fromkeys(DURABLE, ("on",))
    with psycopg.connect(server.url("public_security")) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",), "a demonstration source"


@pytest.fixture
def kept(tmp_path: Path) -> Home:
    """A home, not running, whose database lies in it."""
    home = Home(tmp_path / "before")
    data = home.root / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    (home.root / MIGRATED).write_text("")
    (home.root / RECORD).write_text(json.dumps({"folder": str(home.root / "postgres"), "home": str(home.root)}))
    return home


def test_a_moved_home_finds_its_database(kept: Home, tmp_path: Path) -> None:
    moved = Home(kept.root.rename(tmp_path / "after"))
    for _ in range(2):
        assert find_postgres(moved, 1, {}).folder == moved.root / "postgres"
    assert read_json(moved.root / RECORD) == {"folder": str(moved.root / "postgres"), "home": str(moved.root)}


def test_a_moved_home_keeps_its_database_outside(kept: Home, tmp_path: Path) -> None:
    outside = (kept.root / "postgres").rename(tmp_path / "outside")
    (kept.root / RECORD).write_text(json.dumps({"folder": str(outside), "home": str(kept.root)}))
    copy = Home(Path(shutil.copytree(kept.root, tmp_path / "copy")))
    with pytest.raises(StackError, match="this home is a copy"):
        find_postgres(copy, 1, {})
    moved = Home(kept.root.rename(tmp_path / "after"))
    assert find_postgres(moved, 1, {}).folder == outside
    assert (outside / "home").read_text() == f"{moved.root}\n"


def test_a_database_that_is_gone_is_not_made_anew(kept: Home) -> None:
    shutil.rmtree(kept.root / "postgres")
    with pytest.raises(StackError, match="not there any more"):
        find_postgres(kept, 1, {})
    (kept.root / RECORD).unlink()
    folder = find_postgres(kept, 1, {}).folder
    assert read_json(kept.root / RECORD)["folder"] == str(folder)
    if not folder.is_relative_to(kept.root):
        shutil.rmtree(folder)


def test_no_secret_on_a_command_line(server: Postgres) -> None:
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert any(str(server.data) in line for line in lines)
    assert not [line for line in lines for secret in server.secrets.values() if secret in line]


def test_no_password_is_in_the_server_s_log_though_it_logs_every_statement(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c log_statement=all -c log_min_error_statement=error")
    server.make_databases()
    monkeypatch.delenv("PGOPTIONS")
    told = server.home.log("postgres").read_text()
    assert "ALTER ROLE" in told and "SCRAM-SHA-256$" in told, "it saw the statements"
    assert [name for name, secret in server.secrets.items() if secret in told] == []
    for name in DATABASES:
        psycopg.connect(server.url(name)).close()


def test_a_killed_server_comes_back_with_its_rows(server: Postgres) -> None:
    with psycopg.connect(server.url("control")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    before = pid(server)
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 20
    while not (is_running(server.home) and pid(server) != before) and time.monotonic() < until:
        time.sleep(0.05)
    with psycopg.connect(server.url("control")) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
