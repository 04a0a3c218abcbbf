"""Two administrators at one account at a time wait for each other and never for ever, and files follow the commit."""

import threading
import time

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from catalog.control.identity_tables import AccountRecovery, Person
from catalog.control.password_files import deliver_password, password_path
from catalog.control.people import locked_person
from catalog.control.recovery import RecoveryRefusedError, confirm_recovery, locked_recovery, propose_recovery
from catalog.control.session import engine, session_scope
from catalog.model.caller import Caller
from tests.control.audit_home import audit_home

__all__ = ["audit_home"]

SYSTEM = Caller("person", 900_001, "system-one", "data_administration")
SECURITY = Caller("person", 900_002, "security-one", "data_administration")


@pytest.fixture
def proposed(control_database) -> tuple[int, int]:
    """Return an account and a proposal to reset it."""
    with session_scope(control_database) as session:
        person = Person(login="waits", display_name="示范", department="water", staff_number="1", kind="officer")
        session.add(person)
        session.flush()
        session.refresh(person)
        return person.id, propose_recovery(session, person, "reset", by=SYSTEM).id


def wait_for_a_lock(url: str) -> None:
    """Wait until a connection of the database waits for another one."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
                   "current_database()")  # fmt: skip
    for _ in range(600):
        with session_scope(url) as session:
            if session.scalar(waiting):
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_who_proposes_and_who_confirms_at_one_time_do_not_lock_each_other_out(control_database, proposed):
    account, number = proposed
    came: list[Exception] = []

    def confirm() -> None:
        try:
            with session_scope(control_database) as session:
                confirm_recovery(session, locked_recovery(session, number), by=SECURITY)
        except (RecoveryRefusedError, DBAPIError) as error:
            came.append(error)

    with session_scope(control_database) as session:
        person = locked_person(session, account)
        other = threading.Thread(target=confirm)
        other.start()
        wait_for_a_lock(control_database)
        second = propose_recovery(session, person, "reset", by=SYSTEM).id
    other.join(timeout=60)
    assert [type(error) for error in came] == [RecoveryRefusedError], came
    with session_scope(control_database) as session:
        outcomes = session.execute(select(AccountRecovery.id, AccountRecovery.outcome).order_by(AccountRecovery.id))
        assert outcomes.all() == [(number, "replaced"), (second, None)]


@pytest.mark.parametrize("ending", ["commit", "rollback", "close", "refused commit"])
def test_a_password_takes_the_place_of_the_old_one_with_the_commit_only(control_database, audit_home, ending):
    path = password_path("waits")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text("old\n")
    with session_scope(control_database) as session:
        session.execute(text("CREATE TABLE late (name text UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    with Session(engine(control_database)) as session:
        session.execute(text("INSERT INTO late VALUES ('once')"))
        with session.begin_nested():
            assert deliver_password(session, "waits", "new") == "people/waits.password"
        assert path.read_text() == "old\n" and len(list(path.parent.iterdir())) == 2
        if ending == "refused commit":
            session.execute(text("INSERT INTO late VALUES ('once')"))
            with pytest.raises(DBAPIError, match="unique"):
                session.commit()
        else:
            getattr(session, ending)()
        session.rollback()
        session.execute(text("SELECT 1"))
        session.commit()
    assert path.read_text() == ("new\n" if ending == "commit" else "old\n")
    assert list(path.parent.iterdir()) == [path]
