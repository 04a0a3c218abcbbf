"""The audit is written with the act or the act does not happen; it has no gaps, no clear numbers, and never changes."""

import os
import pwd
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from catalog.control import audit
from catalog.control.audit import AuditUnavailableError, record, record_alone
from catalog.control.audit_archive import ArchiveRefusedError, archive, read_archive
from catalog.control.audit_chain import GENESIS, Link, digest_entry
from catalog.control.audit_journal import Journal, JournalError
from catalog.control.audit_keys import audit_keys
from catalog.control.audit_reading import AuditFilter, list_entries, who_read
from catalog.control.audit_tables import AuditEntry
from catalog.control.audit_verification import verify
from catalog.control.disclosures import record_disclosure
from catalog.control.event_tables import Event
from catalog.control.privileges import AuditUnprotectedError, require_append_only
from catalog.control.session import engine, reading_engine, session_scope
from catalog.model.caller import Caller, command_line
from catalog.model.errors import SettingsFileError
from catalog.model.roles import Role
from catalog.model.settings import CHECKOUT, get_settings, load_settings

WANG = Caller("person", 7, "wang", "water", frozenset({Role.STEWARD, Role.PROVIDER_OFFICER}), address="127.0.0.1")
PERSON = "11010519491231002X"


@pytest.fixture
def service(control_database, database_server, audit_home):
    """Return the address under which the exchange service logs in."""
    return database_server.service_url(control_database)


def proven(url):
    keys = audit_keys()
    with session_scope(url) as session:
        return verify(session, keys, Journal.of(keys).read())


def happen(session, thing: str) -> None:
    """Have an effect that the service's role may have."""
    session.add(Event(kind="thing.changed", object=thing, departments=[], payload={}))


def happened(session) -> list[str]:
    return list(session.scalars(select(Event.object).order_by(Event.id)))


def act(url, number=1, **more):
    with session_scope(url) as session:
        record(session, WANG, "thing.change", f"thing:{number}", **more)


def test_a_command_acts_as_the_account_that_runs_it_whatever_the_environment_says(
    service, control_database, monkeypatch
):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "wang.auditor")
    account = pwd.getpwuid(os.getuid()).pw_name
    with session_scope(service) as session:
        record(session, command_line(), "thing.change", "thing:1", detail={"rows": 3})
    with session_scope(control_database) as session:
        seen = record_disclosure(session, resource="population.person", entity_id="p1", columns=["name"], reason="核验")
        assert seen.person == account
    monkeypatch.setenv("LOGNAME", account)
    with session_scope(service) as session:
        record(session, command_line(), "thing.change", "thing:2")
    with session_scope(service) as session:
        second, first = list_entries(session, AuditFilter(act="thing"))
    assert (first.actor, first.actor_name) == (f"command:{account}", account)
    assert (first.detail, second.detail) == ('{"logname":"wang.auditor","rows":3}', "{}")


def test_an_act_is_recorded_with_its_effect(service, audit_home):
    with session_scope(service) as session:
        record(session, WANG, "thing.change", "thing:a", purpose="test", detail={"rows": 3, "name": PERSON})
        happen(session, "a")
    with session_scope(service) as session:
        (entry,) = list_entries(session, AuditFilter(act="thing"))
        assert happened(session) == ["a"]
    assert (entry.seq, entry.actor, entry.roles) == (1, "person:7", "provider_officer steward")
    assert entry.detail == '{"name":"110105************","rows":3}'
    assert abs((entry.at - datetime.now(UTC)).total_seconds()) < 60
    (file,) = (audit_home / "audit").glob("checkpoints-*.jsonl")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(file.read_text().splitlines()) == 1
    assert proven(service).is_sound


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(service):
    act(service)
    with pytest.raises(RuntimeError), session_scope(service) as session:
        record(session, WANG, "thing.change", "thing:2")
        raise RuntimeError
    with session_scope(service) as session:
        record(session, WANG, "thing.change", "thing:3")
        with session.begin_nested():
            happen(session, "nested")
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 1, "only the outer commit appends"
    result = proven(service)
    assert (result.entries, result.checkpoints, result.findings) == (2, 2, [])


def test_a_session_that_never_commits_takes_no_record(service):
    with Session(reading_engine(service), info={audit.READS_ONLY: True}) as session:
        assert session.scalar(text("SELECT 1")) == 1
        with pytest.raises(ValueError, match="only reads"):
            record(session, WANG, "thing.read", "thing:1")


def test_numbers_have_no_gap_when_many_act_at_once(service):
    def work(number):
        for turn in range(20):
            try:
                with session_scope(service) as session:
                    record(session, WANG, "thing.change", f"thing:{number}-{turn}")
                    happen(session, f"c{number}-{turn}")
                    if turn % 5 == 4:
                        raise LookupError
            except LookupError:
                continue

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with session_scope(service) as session:
        numbers = session.scalars(select(AuditEntry.seq).order_by(AuditEntry.seq)).all()
    assert numbers == list(range(1, 8 * 16 + 1))
    assert proven(service).is_sound


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET act = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TABLE audit_entry",
        "SET session_replication_role = replica",
    ],
)
def test_the_services_own_role_cannot_change_the_audit(service, statement):
    act(service)
    with pytest.raises(DBAPIError) as refused, session_scope(service) as session:
        session.execute(text(statement))
    assert type(refused.value.orig).__name__ == "InsufficientPrivilege"
    assert proven(service).entries == 1


def test_the_trigger_refuses_even_the_owner(service, control_database):
    act(service)
    for statement in ("UPDATE audit_entry SET act = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
        with pytest.raises(DBAPIError, match="only ever added to"), session_scope(control_database) as session:
            session.execute(text(statement))
    assert proven(service).is_sound


def test_a_service_that_could_change_the_audit_does_not_start(service, control_database):
    with engine(service).connect() as connection:
        require_append_only(connection)
    with engine(control_database).connect() as connection, pytest.raises(AuditUnprotectedError, match="could change"):
        require_append_only(connection)


def broken_table(owner, home):
    with session_scope(owner) as session:
        session.execute(text("REVOKE INSERT ON audit_entry FROM guantong_service"))


def broken_folder(owner, home):
    folder = home / "audit"
    folder.rename(home / "audit-away")
    folder.write_text("not a folder")


def broken_sequence(owner, home):
    with session_scope(owner) as session:
        session.execute(text("ALTER TABLE audit_entry ADD CONSTRAINT full_disk CHECK (seq < 2)"))


@pytest.mark.parametrize("break_it", [broken_table, broken_folder, broken_sequence])
def test_nothing_is_done_while_the_audit_cannot_be_written(service, control_database, audit_home, break_it):
    act(service)
    break_it(control_database, audit_home)
    with pytest.raises((AuditUnavailableError, JournalError)) as refused, session_scope(service) as session:
        record(session, WANG, "thing.change", "thing:a")
        happen(session, "a")
    assert refused.value.code == "AUDIT_UNAVAILABLE" and refused.value.remedy
    with session_scope(service) as session:
        assert happened(session) == []
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 1


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that puts a folder on a disk of its own, of 256 KiB, and one that fills it."""
    mounted = []

    def mount(folder):
        folder.mkdir(mode=0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", folder], check=False)
        if done.returncode:
            pytest.skip("only root can mount a small disk")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def fill(folder):
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 512)


def test_a_full_disk_loses_no_checkpoint_and_refuses_the_next_act(service, audit_home, small_disk):
    small_disk(audit_home / "audit")
    act(service)
    journal = Journal.of(audit_keys())
    written = journal.path.read_bytes()
    with session_scope(service) as session:
        record(session, WANG, "thing.change", "thing:2")
        journal.require_writable()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "require_writable", lambda _self: fill(audit_home / "audit"))
            session.commit()
    assert journal.path.read_bytes().startswith(written) and len(list(journal.read())) == 2, "in the room kept for it"
    with pytest.raises(JournalError), session_scope(service) as session:
        record(session, WANG, "thing.change", "thing:3")
        happen(session, "c")
    (audit_home / "audit" / "filler").unlink()
    act(service, 4)
    found = proven(service)
    assert (found.is_sound, found.entries, found.checkpoints, found.unsigned) == (True, 3, 3, 0)
    with session_scope(service) as session:
        assert happened(session) == []


SHORT = """
import resource, sys
from catalog.control.audit_chain import Link
from catalog.control.audit_journal import Journal, JournalError
from catalog.control.audit_keys import audit_keys
journal = Journal.of(audit_keys())
size = journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, size + 20))
journal.write(Link(2, "0" * 64))
assert journal.path.stat().st_size == size, "a part of a line was left"
try:
    journal.require_writable()
except JournalError as refused:
    sys.exit(f"refused: {refused.code}")
"""


def test_a_line_that_can_be_written_in_part_only_is_not_written(service, audit_home):
    act(service)
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", SHORT], env=env, capture_output=True, text=True, check=False)
    assert (
        done.stderr.strip().endswith("refused: AUDIT_UNAVAILABLE") and "no checkpoint could be written" in done.stderr
    )
    act(service, 2)
    found = proven(service)
    assert (found.is_sound, found.entries, found.checkpoints) == (True, 2, 2)


def test_who_read_a_persons_data_is_one_query_and_the_number_is_nowhere(service, control_database, audit_home):
    act(service, persons=[PERSON, "440524188001010014"], purpose="pension")
    act(service, persons=["440524188001010014"], purpose="other")
    record_alone(service, WANG, "thing.read", f"person:{PERSON}", "refused", reason=f"no grant for {PERSON}")
    with session_scope(service) as session:
        found = who_read(session, audit_keys(), PERSON.lower())
        everything = session.execute(text("SELECT string_agg(audit_entry::text, '') FROM audit_entry")).scalar_one()
    assert [(entry.actor_name, entry.purpose) for entry in found] == [("wang", "pension")]
    assert len(everything) > 500 and PERSON not in everything and "440524188001010014" not in everything
    assert all(PERSON not in file.read_text() for file in (audit_home / "audit").iterdir())


def test_the_national_hash_can_be_switched_on_in_the_middle(service, monkeypatch):
    act(service)
    monkeypatch.setenv("AUDIT_DIGEST", "sm3")
    get_settings.cache_clear()
    act(service)
    with session_scope(service) as session:
        assert [entry.algorithm for entry in list_entries(session, AuditFilter())] == ["sm3", "sha256"]
    assert proven(service).is_sound


def test_old_entries_are_archived_and_the_chain_goes_on(service, control_database, audit_home, monkeypatch):
    with monkeypatch.context() as past:
        past.setattr(audit, "utc_now", lambda: datetime.now(UTC) - timedelta(days=1200))
        for number in range(5):
            act(service, number)
    act(service, 5)
    keys, day = audit_keys(), datetime.now(UTC) - timedelta(days=1100)
    journal = Journal.of(keys)
    retention = timedelta(days=get_settings().audit_retention_days)
    with session_scope(control_database) as session, pytest.raises(ArchiveRefusedError, match="1096 days"):
        archive(session, journal, datetime.now(UTC) - timedelta(days=1000), retention=retention)
    with session_scope(control_database) as session:
        done = archive(session, journal, day, retention=retention)
    assert (done.entries, done.path.name) == (5, "archive-1-5.jsonl")
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    head = GENESIS
    for row in read_archive(done.path):
        assert row["previous"] == head.digest and digest_entry(row) == row["digest"]
        head = Link(row["seq"], row["digest"])
    act(service, 6)
    with session_scope(service) as session:
        assert session.scalars(select(AuditEntry.seq).order_by(AuditEntry.seq)).all() == [6, 7]
        assert verify(session, keys, journal.read(), start=journal.anchor()).is_sound
        assert {one.fault for one in verify(session, keys, journal.read()).findings} >= {"ENTRY_MISSING"}
    anchors = audit_home / "audit" / "anchors.jsonl"
    anchors.write_text(anchors.read_text().replace('"seq": 5', '"seq": 6'))
    assert journal.anchor() == GENESIS, "a changed anchor is none"


def test_retention_is_never_under_three_years(monkeypatch):
    monkeypatch.setenv("AUDIT_RETENTION_DAYS", "1000")
    with pytest.raises(SettingsFileError, match="AUDIT_RETENTION_DAYS"):
        load_settings()
