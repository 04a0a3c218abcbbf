"""Days made for real: what stands in the databases afterwards, and what is refused."""

import stat
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from catalog.model.settings import Settings
from infra.demonstration.answer_key import key_path, read_answer_key
from infra.demonstration.create import DayReport, DemonstrationError, create_day, last_day, read_report
from infra.demonstration.databases import deliver_market, deliver_population
from infra.demonstration.world import World
from tests.demonstration.conftest import FIRST_DATE, SEED, SMALL

Days = tuple[Settings, DayReport, DayReport]


def rows_of(settings: Settings, server: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(settings.source(server)) as connection:
        return connection.execute(query.encode()).fetchall()


def test_feeds_are_appended_in_batches(two_days: Days):
    settings, first, second = two_days
    batches = rows_of(
        settings, "public_security", "select cd_batch, count(*) from resident_feed group by 1 order by min(feed_id)"
    )
    assert batches == [
        ("20260302-01", first.datasets["resident_feed"].rows),
        ("20260303-01", second.datasets["resident_feed"].rows),
    ]
    columns = rows_of(
        settings,
        "public_security",
        "select column_name, data_type from information_schema.columns where table_name = 'resident_feed'",
    )
    types = dict(columns)
    assert types["feed_id"] == "bigint" and types["cd_time"] == "timestamp with time zone"
    assert types["birth_date"] == "text"


def test_replaying_the_feed_gives_the_world(two_days: Days):
    settings, *_ = two_days
    world = World(SEED, SMALL, FIRST_DATE)
    world.step(), world.step()
    people = world.population.people
    live = people[people["live"]].set_index("record_no")["phone"].to_dict()
    newest = rows_of(
        settings,
        "public_security",
        "select distinct on (record_no) record_no, cd_operation, phone from resident_feed"
        " order by record_no, feed_id desc",
    )
    replayed = {record: phone for record, operation, phone in newest if operation != "D"}
    assert len(replayed) > 1000
    assert replayed == live
    households = rows_of(
        settings,
        "public_security",
        "select distinct on (household_no) household_no, cd_operation, member_count from household_feed"
        " order by household_no, feed_id desc",
    )
    counts = world.population.households.set_index("household_no")["member_count"].to_dict()
    assert {number: count for number, operation, count in households if operation != "D"} == counts


def test_market_tables_are_the_world_and_deletions_leave_nothing(two_days: Days):
    settings, _, second = two_days
    world = World(SEED, SMALL, FIRST_DATE)
    world.step(), world.step()
    for name, table in world.market.tables.items():
        found = rows_of(settings, "market_regulation", f"select record_no, uscc from {name} order by 1")  # noqa: S608
        assert len(found) > 150
        assert found == list(table.sort_values("record_no")[["record_no", "uscc"]].itertuples(index=False, name=None))
    assert second.datasets["enterprise"].deleted > 0
    indexes = rows_of(
        settings, "market_regulation", "select indexdef from pg_indexes where indexdef like '%updated_at%'"
    )
    assert len(indexes) == 3


def test_delivering_a_day_again_changes_nothing(two_days: Days):
    settings, *_ = two_days
    world = World(SEED, SMALL, FIRST_DATE)
    world.step()
    second = world.step()
    before = contents(settings)
    deliver_population(settings.source("public_security"), second.population, second.day.batch)
    deliver_market(settings.source("market_regulation"), second.market)
    assert contents(settings) == before
    assert before["resident_feed"] and before["enterprise"]


def contents(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    tables = [("public_security", name) for name in ("resident_feed", "household_feed")]
    tables += [("market_regulation", name) for name in ("enterprise", "individual_business", "legal_representative")]
    return {name: rows_of(settings, server, f"select * from {name} order by 1") for server, name in tables}  # noqa: S608


def test_a_day_made_before_is_only_reported(two_days: Days):
    settings, first, second = two_days
    assert last_day(settings.home) == 2
    assert create_day(settings, 1, SMALL, SEED) == first
    assert read_report(settings.home, 2) == second
    assert second.business_date.isoformat() == "2026-03-03"


def test_days_cannot_be_left_out_nor_sizes_changed(two_days: Days):
    settings, *_ = two_days
    with pytest.raises(DemonstrationError, match="day 5 cannot follow day 2"):
        create_day(settings, 5, SMALL, SEED)
    with pytest.raises(DemonstrationError, match="scale"):
        create_day(settings, 3, 0.05, SEED)
    with pytest.raises(DemonstrationError, match="seed"):
        create_day(settings, 3, SMALL, SEED + 1)
    assert last_day(settings.home) == 2


def test_a_scale_too_small_for_every_fault_is_refused(source_databases: Settings, tmp_path: Path):
    settings = source_databases.model_copy(update={"home": tmp_path})
    with pytest.raises(DemonstrationError, match="too small"):
        create_day(settings, 1, 0.01)


def test_answer_key_is_private_and_complete(two_days: Days):
    settings, first, second = two_days
    for report in (first, second):
        path = key_path(settings.home, report.day)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        entries = read_answer_key(settings.home, report.day)
        assert len(entries) == sum(report.planted.values()) > 30
        assert {entry.day for entry in entries} == {report.day}
        assert all(entry.record_key and "." in entry.resource for entry in entries)


def test_progress_names_every_dataset(two_days: Days, told: list[str]):
    _, first, _ = two_days
    assert {"resident_feed", "enterprise", "insured_person", *first.files} <= set(told)


def test_help_teaches():
    import typer

    from infra.demonstration.__main__ import main

    app = typer.Typer()
    app.command()(main)
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0 and "answer key" in shown.output
