"""The service's database role may do to each table what stands for it, and nothing else."""

import psycopg
import pytest
from sqlalchemy import text

from catalog.control.migrations import migrate
from catalog.control.privileges import SERVICE_RIGHTS, grant_to_service
from catalog.control.session import engine, session_scope

READ_ONLY = {
    "batch", "batch_measure", "batch_stage", "check_result", "entity_redirect", "finding", "issue",
    "issue_closing", "ledger_entry", "notice", "position", "quality_score", "recipient", "record_assignment",
    "resource", "review_decision", "review_pair", "rule_activation", "run", "share_version", "stage_lease",
    "table_state", "unmapped_count", "unmapped_value", "withdrawal", "withdrawn_version",
}  # fmt: skip
"""What the pipeline and persons at commands keep."""
ADD_ONLY = {"audit_entry", "delivery", "disclosure", "life_event"}
REMOVES = {"entry_words", "idempotent_answer", "oidc_attempt"}


@pytest.fixture(scope="module")
def database(database_server):
    url = database_server.create_database()
    migrate(url=url)
    return url


@pytest.fixture(scope="module")
def service(database, database_server):
    address = database_server.service_url(database).replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def tables(database) -> set[str]:
    with session_scope(database) as session:
        return set(session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))


def columns(service, table: str) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    return [name for (name,) in service.execute(query, (table,))]


def may(service, table: str, right: str) -> bool:
    return service.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone()[0]


def changeable(service, table: str) -> set[str]:
    query = "SELECT has_column_privilege(%s, %s, 'UPDATE')"
    return {name for name in columns(service, table) if service.execute(query, (table, name)).fetchone()[0]}


def test_every_table_says_what_the_service_may_do_to_it(database):
    there_are = tables(database) - {"alembic_version"}
    assert len(there_are) > 50
    assert there_are == set(SERVICE_RIGHTS), "say in SERVICE_RIGHTS what the service does to a new table"


@pytest.mark.parametrize("table", sorted({*SERVICE_RIGHTS, "alembic_version"}))
def test_the_role_may_do_that_and_no_more(service, table):
    has = {right: may(service, table, right) for right in ("SELECT", "INSERT", "DELETE", "TRUNCATE", "TRIGGER")}
    if table == "alembic_version":
        assert not any(has.values()) and not changeable(service, table)
        return
    rights = SERVICE_RIGHTS[table]
    assert has == {
        "SELECT": True, "INSERT": rights.adds, "DELETE": rights.removes, "TRUNCATE": False, "TRIGGER": False,
    }  # fmt: skip
    some = rights.changes if isinstance(rights.changes, tuple) else columns(service, table) if rights.changes else ()
    assert changeable(service, table) == set(some)


def test_what_the_pipeline_and_the_law_keep_is_beyond_it(service):
    for table in sorted(READ_ONLY | ADD_ONLY):
        name = columns(service, table)[-1]
        statements = [f"UPDATE {table} SET {name} = {name}", f"DELETE FROM {table}", f"TRUNCATE {table}"]  # noqa: S608
        if table in READ_ONLY:
            statements.append(f"INSERT INTO {table} DEFAULT VALUES")
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(statement.encode())
    assert {table for table, rights in SERVICE_RIGHTS.items() if rights.removes} == REMOVES
    assert {table for table, rights in SERVICE_RIGHTS.items() if not (rights.adds or rights.changes)} == READ_ONLY


def test_who_was_granted_more_by_hand_has_it_no_longer_after_the_next_migration(database, service):
    with session_scope(database) as session:
        session.execute(text("GRANT ALL ON ledger_entry, alembic_version TO guantong_service"))
        session.execute(text("GRANT UPDATE (payload) ON event TO guantong_service"))
    assert may(service, "ledger_entry", "DELETE") and "payload" in changeable(service, "event")
    with engine(database).begin() as connection:
        assert grant_to_service(connection)
    assert not may(service, "ledger_entry", "DELETE") and not may(service, "alembic_version", "SELECT")
    assert changeable(service, "event") == {"dispatched_at"}
