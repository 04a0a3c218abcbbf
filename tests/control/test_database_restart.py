"""Commands outlive a restart of the database."""

import threading
import time

import pytest
import sqlalchemy.exc
from sqlalchemy import text

from catalog.control.positions import get_position, set_position
from catalog.control.session import describe, engine, in_transaction, session_scope


def test_a_stopped_database_is_waited_for(control_database, database_server):
    in_transaction(lambda session: set_position(session, "c", "s", "1"), control_database)
    assert engine(control_database).pool.checkedin() >= 1
    database_server.stop()
    starter = threading.Timer(1.0, database_server.start)
    starter.start()
    try:
        began = time.monotonic()
        with session_scope(control_database) as session:
            assert get_position(session, "c", "s") == "1"
        assert time.monotonic() - began > 0.5
    finally:
        starter.join()


def test_work_is_done_again_when_the_connection_breaks_under_it(control_database, database_server):
    tries = []

    def work(session):
        set_position(session, "c", "s", "2")
        tries.append(1)
        if len(tries) == 1:
            database_server.stop()
            database_server.start()
        session.execute(text("SELECT 1"))

    in_transaction(work, control_database)
    assert len(tries) == 2
    with session_scope(control_database) as session:
        assert get_position(session, "c", "s") == "2"


def test_a_wrong_password_is_no_matter_of_patience(database_server):
    url = database_server.url("postgres").replace(database_server.password, "wrong")
    began = time.monotonic()
    with pytest.raises(sqlalchemy.exc.OperationalError), session_scope(url) as session:
        session.execute(text("SELECT 1"))
    assert time.monotonic() - began < 5
    assert "wrong" not in describe(url)
