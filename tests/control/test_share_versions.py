"""A shared table has one served version at any time, whoever publishes and however often."""

from concurrent.futures import ThreadPoolExecutor

from catalog.control.session import session_scope
from catalog.control.shares import (
    list_share_versions,
    publish_share_version,
    published_version,
    served_version,
)

TABLE = ("population", "base", "resident_basic")


def publish(url, delta_version, rows=10):
    with session_scope(url) as session:
        return publish_share_version(
            session,
            share=TABLE[0],
            schema_name=TABLE[1],
            table_name=TABLE[2],
            resource="population.resident_basic",
            delta_version=delta_version,
            table_uri="file:/lake/gold/population__resident_basic",
            rows=rows,
            schema_json={"type": "struct", "fields": []},
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
        earlier.status = "withdrawn"
        session.flush()
        assert published_version(session, *TABLE, 1) is None


def test_publishers_at_the_same_moment_wait_for_each_other(control_database):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: publish(control_database, number), range(8)))
    with session_scope(control_database) as session:
        versions = list_share_versions(session)
    assert [row.version for row in versions] == list(range(1, 9))
    assert [row.status for row in versions].count("served") == 1
    assert {row.delta_version for row in versions} == set(range(8))
