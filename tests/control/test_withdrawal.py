"""A published version that is taken back is refused at once, never comes back, and its readers are told."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from catalog.control.base import utc_now
from catalog.control.deliveries import record_delivery
from catalog.control.event_tables import Event
from catalog.control.recipients import add_grant, add_recipient, readable_version_by_id, readable_versions
from catalog.control.resources import register_resource
from catalog.control.session import session_scope
from catalog.control.shares import WithdrawnVersionError, list_share_versions
from catalog.control.withdrawal import WITHDRAWN, NotPublishedError, withdraw
from tests.control.test_share_versions import TABLE, publish

RESOURCE = "population.resident_basic"


@pytest.fixture
def readers(control_database):
    """Two versions; one reader had the first, another both, a third none of them."""
    versions = [publish(control_database, 3), publish(control_database, 5)]
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
        record_delivery(session, found["one"], versions[0], "query", rows=10)
        for version in versions:
            record_delivery(session, found["both"], version, "file", size=100)
    return found


def statuses(session):
    return [(version.version, version.status) for version in list_share_versions(session)]


def told(session):
    """Return version → whom it concerns, and why."""
    events = session.scalars(select(Event).where(Event.kind == WITHDRAWN).order_by(Event.id)).all()
    return {event.payload["version"]: (event.departments, event.payload["reason"]) for event in events}


def test_only_what_is_named_goes_and_only_its_readers_are_told(control_database, readers):
    with session_scope(control_database) as session:
        [first] = withdraw(session, *TABLE, numbers=[1], reason="含 11010519491231002X 的错误住址")
        assert [reader.name for reader in first.readers] == ["both", "one"]
    with session_scope(control_database) as session:
        assert statuses(session) == [(1, "withdrawn"), (2, "served")]
        [left] = readable_versions(session, readers["one"], *TABLE)
        assert left.version == 2
        assert readable_version_by_id(session, readers["both"], first.version.id) is None
        [(number, (departments, reason))] = told(session).items()
        assert (number, departments) == (1, ["housing", "public_security", "taxation"])
        assert "错误住址" in reason and "11010519491231002X" not in reason


def test_what_was_served_is_served_no_more_until_a_newer_version_is_published(control_database, readers):
    with session_scope(control_database) as session:
        found = withdraw(session, *TABLE, numbers=None, reason="口径有误")
        assert [withdrawal.version.version for withdrawal in found] == [1, 2]
    with session_scope(control_database) as session:
        assert told(session)[2] == (["public_security", "taxation"], "口径有误")
        assert all(not readable_versions(session, reader, *TABLE) for reader in readers.values())
    with pytest.raises(WithdrawnVersionError, match="withdrawn as version 2"):
        publish(control_database, 5)
    publish(control_database, 6)
    with session_scope(control_database) as session:
        assert statuses(session) == [(1, "withdrawn"), (2, "withdrawn"), (3, "served")]


def test_what_may_not_be_read_is_not_withdrawn(control_database, readers):
    for place, numbers in ((TABLE, [1, 7]), ((*TABLE[:2], "another"), None)):
        with session_scope(control_database) as session, pytest.raises(NotPublishedError, match="may be read"):
            withdraw(session, *place, numbers=numbers, reason="口径有误")
    with session_scope(control_database) as session:
        assert statuses(session) == [(1, "superseded"), (2, "served")]
        assert told(session) == {}
        withdraw(session, *TABLE, numbers=[2], reason="口径有误")
    with session_scope(control_database) as session, pytest.raises(NotPublishedError, match="version 2"):
        withdraw(session, *TABLE, numbers=[2], reason="口径有误")
