"""The migrations make exactly the tables that the code declares, and take all of them back."""

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import catalog.control.pipeline_tables
import catalog.control.rule_activations  # noqa: F401 - their tables are declared
from catalog.__main__ import app
from catalog.control.migrations import current_revision, migrate, migration_config
from catalog.control.session import engine
from catalog.control.tables import Base
from catalog.model.settings import get_settings


def definitions(made: Engine) -> set[str]:
    """Return every constraint and index of the control tables, as the database words them."""
    names = sorted(Base.metadata.tables)
    with Session(made) as session:
        constraints = session.execute(
            text(
                "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) "
                "FROM pg_constraint WHERE contype <> 'n' AND conrelid::regclass::text = ANY(:names)"
            ),
            {"names": names},
        )
        indexes = session.execute(
            text("SELECT indexdef FROM pg_indexes WHERE tablename = ANY(:names)"), {"names": names}
        )
        return {row[0] for row in constraints} | {row[0] for row in indexes}


def test_migrated_database_equals_the_declared_tables(control_database, database_server):
    declared = engine(database_server.create_database())
    Base.metadata.create_all(declared)
    migrated = engine(control_database)
    seen = definitions(migrated)
    assert len(seen) > 40
    assert seen == definitions(declared)
    command.check(migration_config(control_database))


def test_down_to_base_leaves_no_table_and_up_again_works(control_database):
    head = current_revision(control_database)
    assert head is not None
    assert len(inspect(engine(control_database)).get_table_names()) == len(Base.metadata.tables) + 1
    assert migrate("base", control_database) is None
    assert inspect(engine(control_database)).get_table_names() == ["alembic_version"]
    assert migrate(url=control_database) == head
    assert migrate(url=control_database) == head


def test_a_step_back_is_refused_without_an_explicit_yes(control_database, audit_home, monkeypatch):
    monkeypatch.setenv("CONTROL_URL", control_database)
    get_settings.cache_clear()
    head, tables = current_revision(control_database), inspect(engine(control_database)).get_table_names()
    assert head is not None and len(tables) > 40
    for to in ("base", "-1", "0001", "0012"):
        refused = CliRunner().invoke(app, ["migrate", "--to", to])
        assert refused.exit_code == 2 and "CONSENT_MISSING" in refused.output and "--yes" in refused.output, to
    assert current_revision(control_database) == head
    assert inspect(engine(control_database)).get_table_names() == tables
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0, "forward needs no yes"
    agreed = CliRunner().invoke(app, ["migrate", "--to", "base", "--yes"])
    assert agreed.exit_code == 0, agreed.output
    assert inspect(engine(control_database)).get_table_names() == ["alembic_version"]
    assert CliRunner().invoke(app, ["migrate", "--to", "base"]).exit_code == 0, "there is nothing to remove"


def test_systems_lose_roles_that_decide_and_get_who_made_them(control_database):
    scripts = ScriptDirectory.from_config(migration_config(control_database))
    before = scripts.get_revision("0013").down_revision
    assert migrate(before, control_database) == before
    texts = (
        "department",
        "roles",
        "reason",
        "purpose",
        "detail",
        "address",
        "request_id",
        "previous",
        "digest",
        "seal",
    )
    made = {
        "seq": 1, "actor": "person:7", "actor_name": "security1", "act": "system.add", "object": "system:known",
        "outcome": "done", "algorithm": "sha256", **dict.fromkeys(texts, ""),
    }  # fmt: skip
    with Session(engine(control_database)) as session:
        columns, values = ", ".join(made), ", ".join(f":{name}" for name in made)
        session.execute(text(f"INSERT INTO audit_entry (at, {columns}) VALUES (now(), {values})"), made)  # noqa: S608
        for name in ("known", "unknown"):
            session.execute(
                text("INSERT INTO client_system (name, department, purpose, secret_sha256, expires_at) "
                     "VALUES (:name, 'water', 'x', :name, now())"), {"name": name},
            )  # fmt: skip
        session.execute(
            text("INSERT INTO client_system_role SELECT id, role FROM client_system, "
                 "unnest(ARRAY['provider_officer', 'requester_officer']) AS role")
        )  # fmt: skip
        session.commit()
    migrate(url=control_database)
    with Session(engine(control_database)) as session:
        makers = session.execute(text("SELECT name, made_by FROM client_system ORDER BY name")).all()
        assert makers == [("known", "person:security1"), ("unknown", None)]
        assert session.scalars(text("SELECT role FROM client_system_role")).all() == ["requester_officer"] * 2


def test_a_suspended_grant_keeps_the_side_that_suspended_it(control_database):
    scripts = ScriptDirectory.from_config(migration_config(control_database))
    migrate(scripts.get_revision("0016").down_revision, control_database)
    host = "data_administration"
    cases = {
        "GRA-1": ("water", host, "person:head", "host"),
        "GRA-2": (host, host, "person:head", "host"),
        "GRA-3": (host, host, "person:clerk", "provider"),
        "GRA-4": ("water", "water", "person:clerk", "provider"),
        "GRA-5": ("water", "", "system", "system"),
    }
    with Session(engine(control_database)) as session:
        for login, role in (("head", "host_authority"), ("clerk", "provider_officer")):
            session.execute(
                text("WITH p AS (INSERT INTO person (login, display_name, department, staff_number, kind) "
                     "VALUES (:login, :login, :host, :login, 'officer') RETURNING id, kind) "
                     "INSERT INTO person_role (person_id, role, kind, granted_by) SELECT id, :role, kind, 'x' FROM p"),
                {"login": login, "role": role, "host": host},
            )  # fmt: skip
        session.execute(
            text("INSERT INTO catalogue_entry (number, code, version, provider, name, content, drafted_by, state) "
                 "VALUES ('ENT-1', '1', 1, 'x', 'x', '{}', 'x', 'draft')")
        )  # fmt: skip
        for number, (provider, department, by, _) in cases.items():
            session.execute(
                text("INSERT INTO application (number, entry, code, provider, department, items, purpose, "
                     "service_item, legal_basis, mode, volume_per_day, term_from, term_to, responsible_officer, "
                     "share_type, needs_host, submitted_by) VALUES (:number, 'ENT-1', '1', :provider, 'housing', '{}', "
                     "'x', 'x', 'x', 'table', 1, '2026-01-01', '2026-12-31', 'x', 'conditional', false, 'x')"),
                {"number": number, "provider": provider},
            )  # fmt: skip
            session.execute(
                text("INSERT INTO access_grant (number, application, code, provider, department, items, is_narrower, "
                     "purpose, mode, quota_per_day, valid_from, valid_to, state, reason) VALUES (:number, :number, "
                     "'1', :provider, 'housing', '{}', true, 'x', 'table', 1, '2026-01-01', '2026-12-31', "
                     "'suspended', 'why')"), {"number": number, "provider": provider},
            )  # fmt: skip
            session.execute(
                text("INSERT INTO life_event (kind, number, act, to_state, by, department, at) VALUES "
                     "('grant', :number, 'suspend', 'suspended', :by, :department, now())"),
                {"number": number, "by": by, "department": department},
            )  # fmt: skip
        session.commit()
    migrate(url=control_database)
    with Session(engine(control_database)) as session:
        rows = session.execute(text("SELECT number, suspensions FROM access_grant ORDER BY number")).all()
    assert {number: [(one["side"], one["reason"]) for one in standing] for number, standing in rows} == {
        number: [(side, "why")] for number, (*_, side) in cases.items()
    }


def test_versions_of_before_get_their_ends_and_the_elements_that_were_kept_of_them(control_database):
    scripts = ScriptDirectory.from_config(migration_config(control_database))
    before = scripts.get_revision("0017").down_revision
    assert migrate(before, control_database) == before
    said = '{"columns": [{"name": "name", "element": "person_name"}, {"name": "note"}]}'
    with Session(engine(control_database)) as session:
        for version, status, schema in ((1, "superseded", said), (2, "superseded", "{}"), (3, "served", said)):
            session.execute(
                text("INSERT INTO share_version (share, schema_name, table_name, resource, version, delta_version, "
                     "table_uri, rows, schema_json, status, published_at) VALUES ('s', 'n', 't', 'n.t', :version, "
                     ":version, 'gold/t', 1, CAST(:schema AS jsonb), :status, "
                     "timestamptz '2026-03-01T00:00Z' + :version * interval '1 day')"),
                {"version": version, "status": status, "schema": schema},
            )  # fmt: skip
        session.commit()
    migrate(url=control_database)
    with Session(engine(control_database)) as session:
        found = session.execute(
            text("SELECT published_with, extract(day FROM superseded_at AT TIME ZONE 'UTC'), ends_at - superseded_at "
                 "FROM share_version ORDER BY version")
        ).all()  # fmt: skip
    bound = {"columns": {"name": {"element": "person_name"}}}
    assert [(row[0], row[1] and int(row[1]), row[2] and row[2].days) for row in found] == [
        (bound, 3, 30), (None, 4, 30), (bound, None, None),
    ]  # fmt: skip
