"""A published version that is taken back is refused at once, never comes back, and its readers are told."""

from datetime import timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import select, update

from catalog.control.acting import SystemUnaccountableError
from catalog.control.base import utc_now
from catalog.control.clocks import tick
from catalog.control.closings import closing_of, closings_of
from catalog.control.deliveries import record_delivery
from catalog.control.event_tables import Event
from catalog.control.held_rows import keys_held
from catalog.control.identity_tables import Person
from catalog.control.recipients import add_grant, add_recipient, granted_version_by_id, granted_versions
from catalog.control.resources import register_resource
from catalog.control.session import session_scope
from catalog.control.shares import RowsTakenBackError, WithdrawnVersionError, list_share_versions
from catalog.control.version_retention import removable_versions
from catalog.control.withdrawal import (
    ROWS_WITHDRAWN,
    WITHDRAWN,
    NotPublishedError,
    NotTakenBackError,
    RowsTaken,
    release_rows,
    rows_withdrawn,
    withdraw,
    withdraw_rows,
)
from catalog.control.withdrawal_receipts import (
    ACKNOWLEDGED,
    Answer,
    WithdrawalUnknownError,
    acknowledge,
    outstanding,
)
from catalog.model.state_machine import Actor
from tests.control.test_share_versions import TABLE, publish
from tests.exchange.people import a_system

RESOURCE = "population.resident_basic"


@pytest.fixture
def readers(control_database):
    """Two versions; one reader had the first, another both, a third none of them."""
    first = publish(control_database, 3)
    with session_scope(control_database) as session:
        register_resource(
            session, resource=RESOURCE, version="1.0.0", contract_sha256="0", layer="gold",
            department="public_security", status="active",
        )  # fmt: skip
        found = {}
        for name, department in (("one", "housing"), ("both", "taxation"), ("none", "transport")):
            until = utc_now() + timedelta(days=1)
            recipient, _ = add_recipient(session, name, department=department, expires_at=until)
            add_grant(session, recipient, share=TABLE[0], purpose="核验", valid_to=until)
            found[name] = recipient.id
    second = publish(control_database, 5)
    with session_scope(control_database) as session:
        assert [version.version for version in granted_versions(session, found["one"], *TABLE)] == [1, 2]
        record_delivery(session, found["one"], first, "query", rows=10)
        for version in (first, second):
            record_delivery(session, found["both"], version, "file", size=100)
    return found


def statuses(session):
    return [(version.version, version.status) for version in list_share_versions(session)]


def readable(session, reader):
    """Return the numbers of the versions that a recipient may read, as the service finds them."""
    found = granted_versions(session, reader, *TABLE)
    closed = closings_of(session, found)
    return [version.version for version in found if version.id not in closed]


def told(session):
    """Return version → whom it concerns, and why."""
    events = session.scalars(select(Event).where(Event.kind == WITHDRAWN).order_by(Event.id)).all()
    return {event.payload["version"]: (event.departments, event.payload["reason"]) for event in events}


def test_only_what_is_named_goes_and_only_its_readers_are_told(control_database, readers):
    with session_scope(control_database) as session:
        [first] = withdraw(session, *TABLE, numbers=[1], reason="含 11010519491231002X 的错误住址", by="示范管理员")
        assert [reader.name for reader in first.readers] == ["both", "one"]
    with session_scope(control_database) as session:
        assert statuses(session) == [(1, "withdrawn"), (2, "served")]
        assert readable(session, readers["one"]) == [2]
        closing = closing_of(session, granted_version_by_id(session, readers["both"], first.version.id))
        assert closing is not None and closing.code == "VERSION_WITHDRAWN"
        [(number, (departments, reason))] = told(session).items()
        assert (number, departments) == (1, ["housing", "public_security", "taxation"])
        event = session.scalars(select(Event).where(Event.kind == WITHDRAWN)).one()
        assert event.payload["table"] and not any(f"'{one.name}'" in str(event.payload) for one in first.readers)
        assert "错误住址" in reason and "11010519491231002X" not in reason


def test_what_was_served_is_served_no_more_until_a_newer_version_is_published(control_database, readers):
    with session_scope(control_database) as session:
        found = withdraw(session, *TABLE, numbers=None, reason="口径有误", by="示范管理员")
        assert [withdrawal.version.version for withdrawal in found] == [1, 2]
    with session_scope(control_database) as session:
        assert told(session)[2] == (["public_security", "taxation"], "口径有误")
        assert all(readable(session, reader) == [] for reader in readers.values())
    with pytest.raises(WithdrawnVersionError, match="withdrawn as version 2"):
        publish(control_database, 5)
    publish(control_database, 6)
    with session_scope(control_database) as session:
        assert statuses(session) == [(1, "withdrawn"), (2, "withdrawn"), (3, "served")]


def test_what_may_not_be_read_is_not_withdrawn(control_database, readers):
    for place, numbers in ((TABLE, [1, 7]), ((*TABLE[:2], "another"), None)):
        with session_scope(control_database) as session, pytest.raises(NotPublishedError, match="may be read"):
            withdraw(session, *place, numbers=numbers, reason="口径有误", by="示范管理员")
    with session_scope(control_database) as session:
        assert statuses(session) == [(1, "superseded"), (2, "served")]
        assert told(session) == {}
        withdraw(session, *TABLE, numbers=[2], reason="口径有误", by="示范管理员")
    with session_scope(control_database) as session, pytest.raises(NotPublishedError, match="version 2"):
        withdraw(session, *TABLE, numbers=[2], reason="口径有误", by="示范管理员")


def a_row(session, versions, **more):
    taken = RowsTaken("person_id", ("p00017",), [version.id for version in versions])
    return withdraw_rows(session, TABLE, taken, reason="错误关联", by="示范管理员", **more)


def test_rows_taken_back_close_their_versions_and_hold_up_the_next_until_they_are_gone_or_right(
    control_database, readers
):
    with session_scope(control_database) as session:
        first, second = list_share_versions(session)
        assert closings_of(session, [first, second]) == {}
        [done] = a_row(session, [second])
        assert closing_of(session, first) is None
        closing = closing_of(session, second)
        assert closing is not None and (closing.code, closing.is_for_rows_too) == ("ROWS_WITHDRAWN", False)
        assert rows_withdrawn(session, second) == {"person_id": frozenset({"p00017"})}
        told = session.scalars(select(Event).where(Event.kind == ROWS_WITHDRAWN)).one()
        assert told.departments == ["public_security", "taxation"] and "p00017" not in str(told.payload)
    with pytest.raises(RowsTakenBackError, match=done.number):
        publish(control_database, 6)
    with session_scope(control_database) as session:
        release_rows(session, done.number, reason="已更正", by="示范管理员")
        with pytest.raises(NotTakenBackError):
            release_rows(session, done.number, reason="已更正", by="示范管理员")
    third = publish(control_database, 6)
    with session_scope(control_database) as session:
        second = list_share_versions(session)[1]
        assert closing_of(session, third) is None and rows_withdrawn(session, third) == {}
        assert closing_of(session, second).code == "ROWS_WITHDRAWN"


def test_who_had_it_answers_once_and_the_clock_reminds(control_database, readers):
    with session_scope(control_database) as session:
        number = withdraw(session, *TABLE, numbers=None, reason="口径有误", by="示范管理员")[0].number
        waiting = {(system.name, tuple(one.versions)): clock for _, one, system, clock in outstanding(session)}
        assert set(waiting) == {("one", (1,)), ("both", (1, 2))}
        clock = waiting["one", (1,)]
        assert clock.responsible == "housing" and clock.status == "running"
        assert "overdue" in {notice.level for notice in tick(session, clock.due_on + timedelta(days=1))}
        housing = Actor("person:示范经办", "housing", frozenset({"requester_officer"}))
        with pytest.raises(WithdrawalUnknownError):
            acknowledge(session, number, Answer("both", "deleted"), housing)
        machine = a_system(session, "housing-machine", "housing", "requester_officer")
        session.execute(update(Person).values(disabled_at=utc_now()))
        with pytest.raises(SystemUnaccountableError):
            acknowledge(session, number, Answer("one", "deleted"), machine)
        acknowledge(session, number, Answer("one", "deleted"), housing)
        assert [system.name for _, _, system, _ in outstanding(session)] == ["both"]
        assert clock.status == "met"
        told = session.scalars(select(Event).where(Event.kind == ACKNOWLEDGED)).one()
        assert {"housing", "public_security"} <= set(told.departments)


def test_the_rows_of_a_version_are_found_by_their_key(tmp_path):
    folder = tmp_path / "t"
    write_deltalake(folder, pa.table({"person_id": ["p1", "p2"]}))
    write_deltalake(folder, pa.table({"person_id": ["p3"]}), mode="append")
    uri = folder.as_uri()
    assert keys_held(uri, 0, "person_id", ["p1", "p3"]) == {"p1"}
    assert keys_held(uri, 1, "person_id", ["p1", "p3"]) == {"p1", "p3"}
    assert keys_held(uri, 1, "other", ["p9"]) == {"p9"}


def test_only_what_has_ended_for_good_could_be_vacuumed(control_database, readers):
    with session_scope(control_database) as session:
        assert removable_versions(session) == []
        withdraw(session, *TABLE, numbers=[1], reason="口径有误", by="示范管理员")
        [found] = removable_versions(session)
        assert (found.version.version, found.version.delta_version, found.still_pinned_by) == (1, 3, ())


def test_a_resource_that_lost_its_contract_is_not_read(control_database, readers):
    with session_scope(control_database) as session:
        version = list_share_versions(session)[1]
        version.resource = "lost.contract"
        assert closing_of(session, version) is None
        register_resource(
            session, resource="lost.contract", version="1.0.0", contract_sha256="0", layer="gold",
            department="public_security", status="active",
        )  # fmt: skip
        session.flush()
        assert closing_of(session, version).code == "CONTRACT_RETIRED"
