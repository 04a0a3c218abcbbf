"""A shared table has one served version at any time, whoever publishes and however often."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog.control.base import utc_now
from catalog.control.session import session_scope
from catalog.control.shares import (
    OlderVersionError,
    list_share_versions,
    publish_share_version,
    published_version,
    served_version,
)

TABLE = ("population", "base", "resident_basic")


def publish(url, delta_version, table_id="a", **more):
    with session_scope(url) as session:
        return publish_share_version(
            session,
            share=TABLE[0],
            schema_name=TABLE[1],
            table_name=TABLE[2],
            resource="population.resident_basic",
            delta_version=delta_version,
            table_id=table_id,
            table_uri="gold/population__resident_basic",
            rows=10,
            schema_json={"type": "struct", "fields": []},
            **more,
        )


def test_the_next_version_supersedes_and_a_replay_changes_nothing(control_database):
    first = publish(control_database, 3)
    assert (first.version, first.status) == (1, "served") and first.published_at is not None
    assert publish(control_database, 3).id == first.id
    assert publish(control_database, 5).version == 2
    with session_scope(control_database) as session:
        assert [(row.version, row.status) for row in list_share_versions(session)] == [
            (1, "superseded"),
            (2, "served"),
        ]
        served = served_version(session, *TABLE)
        assert served is not None and served.delta_version == 5
        earlier = published_version(session, *TABLE, 1)
        assert earlier is not None and earlier.delta_version == 3


def said(**masks):
    """Return what a contract says of a version: column → its mask."""
    columns = {name: {"element": name, "mask": mask, "transform": ""} for name, mask in masks.items()}
    return {"department": "public_security", "where": "true", "columns": columns}


def test_a_contract_that_becomes_narrower_ends_what_was_wider_also_without_a_new_version(control_database):
    wide, masked = said(phone="none", name="none"), said(phone="first_3", name="none")
    publish(control_database, 3, published_with=wide)
    second = publish(control_database, 5, published_with=wide)
    assert publish(control_database, 5, published_with=masked).id == second.id
    with session_scope(control_database) as session:
        first, served = list_share_versions(session)
        assert (served.status, served.published_with) == ("served", masked)
        assert first.ended_because and first.ends_at <= utc_now()


def try_to_publish(url, delta_version):
    """Return the version that was published, or None when it was refused as older."""
    try:
        return publish(url, delta_version).delta_version
    except OlderVersionError:
        return None


def test_publishers_at_the_same_moment_wait_for_each_other(control_database):
    with ThreadPoolExecutor(8) as pool:
        published = list(pool.map(lambda number: try_to_publish(control_database, number), range(8)))
    with session_scope(control_database) as session:
        versions = list_share_versions(session)
    assert [row.version for row in versions] == list(range(1, len(versions) + 1))
    assert [row.delta_version for row in versions] == sorted(set(published) - {None})
    assert [(row.status, row.delta_version) for row in versions if row.status == "served"] == [("served", 7)]


def test_what_is_served_goes_back_to_no_older_version(control_database):
    publish(control_database, 8)
    for other in ({}, {"table_id": None}):
        with pytest.raises(OlderVersionError, match="version 7 is older than version 8") as refused:
            publish(control_database, 7, **other)
        assert refused.value.remedy
    with session_scope(control_database) as session:
        served_version(session, *TABLE).status = "withdrawn"
    with pytest.raises(OlderVersionError):
        publish(control_database, 7)
    assert publish(control_database, 0, table_id="made anew").version == 2
    assert publish(control_database, 1, table_id="made anew").version == 3
    with pytest.raises(OlderVersionError):
        publish(control_database, 0, table_id="made anew")


def test_a_version_of_a_table_whose_id_was_not_kept(control_database):
    publish(control_database, 5, table_id=None)
    with pytest.raises(OlderVersionError):
        publish(control_database, 4)
    again = publish(control_database, 5)
    assert (again.version, again.table_id) == (2, "a"), "from now on its id is known"
    assert publish(control_database, 5).id == again.id
