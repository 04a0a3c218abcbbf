"""The world: the same for the same seed, every fault planted and keyed, everything unplanted valid."""

from collections import Counter, defaultdict
from datetime import date

import pandas as pd
import pytest

from infra.demonstration.sizes import FAULTS, FILE_FAULTS
from infra.demonstration.world import Deliveries, World, make_day
from tests.demonstration import verdict
from tests.demonstration.conftest import FIRST_DATE, SEED, SMALL

RECORD_KINDS = {kind for kinds in FAULTS.values() for kind in kinds}


def fingerprint(deliveries: Deliveries) -> list[object]:
    frames = [deliveries.population.residents, deliveries.population.households]
    frames += [change.written for change in deliveries.market.values()]
    frames += [delivery.rows for delivery in deliveries.files]
    frames += [deliveries.insured_persons, deliveries.insured_employers]
    return [frame.astype(str).to_csv() for frame in frames] + [deliveries.planted]


@pytest.mark.parametrize("day", [1, 3])
def test_same_seed_gives_the_same_day(day: int):
    one, other = (make_day(SEED, SMALL, FIRST_DATE, day)[1] for _ in range(2))
    assert len(one.population.residents) > 10
    assert fingerprint(one) == fingerprint(other)


def test_another_seed_gives_another_day():
    one, other = (make_day(seed, SMALL, FIRST_DATE, 1)[1] for seed in (SEED, SEED + 1))
    assert set(one.population.residents["citizen_id"]).isdisjoint(other.population.residents["citizen_id"])


@pytest.mark.parametrize("seed", [1, 2, 20250801])
def test_every_kind_is_planted_at_the_smallest_scale(seed: int):
    world = World(seed, SMALL, FIRST_DATE)
    first, second = world.step(), world.step()
    assert set(first.planted_counts) == RECORD_KINDS | set(FILE_FAULTS)
    assert set(second.planted_counts) >= RECORD_KINDS | {"late_row", "repeated_delivery"}
    assert min(first.planted_counts.values()) >= 2


def test_sizes_and_kinds_at_full_scale(full_world: tuple[World, list[Deliveries]]):
    world, (first, second) = full_world
    assert 50_000 <= first.population.residents["record_no"].nunique() <= 50_300
    assert len(world.market.tables["enterprise"]) + len(world.market.tables["individual_business"]) == pytest.approx(
        20_000, rel=0.01
    )
    assert sum(len(f.rows) for f in first.files if not f.fault) == 60_000
    assert first.planted_counts["licence_expired"] == 300
    assert set(first.planted_counts) == RECORD_KINDS | set(FILE_FAULTS)
    assert second.planted_counts["late_row"] >= 30


def test_no_record_has_two_faults(full_world: tuple[World, list[Deliveries]]):
    _, days = full_world
    for deliveries in days:
        seen = Counter((entry.resource, entry.record_key) for entry in deliveries.planted)
        assert len(seen) > 50
        assert max(seen.values()) == 1


@pytest.mark.parametrize("scale", ["small_world", "middle_world"])
def test_residents_show_exactly_what_is_planted(scale: str, request: pytest.FixtureRequest):
    _, days = request.getfixturevalue(scale)
    planted = planted_in(days, "population.resident")
    judged = 0
    numbers: dict[str, set[int]] = defaultdict(set)
    for deliveries in days:
        for row in deliveries.population.residents.to_dict("records"):
            key = str(row["record_no"])
            shown = verdict.wrong_with_resident(row)
            assert shown == planted.get(key, set()) - {"late_row", "duplicate_person"}, key
            numbers[row["citizen_id"]].add(row["record_no"])
            judged += 1
    assert judged > 1000
    later = {str(max(records)) for records in numbers.values() if len(records) > 1}
    assert later == {key for key, kinds in planted.items() if "duplicate_person" in kinds}


def test_duplicates_are_spelling_variants_that_come_after_the_first_record(
    full_world: tuple[World, list[Deliveries]],
):
    _, (first, _) = full_world
    feed = first.population.residents.reset_index().drop_duplicates("record_no").set_index("record_no")
    pairs = [e for e in first.planted if e.kind == "duplicate_person"]
    assert len(pairs) == 150
    for entry in pairs:
        double, original = feed.loc[int(entry.record_key)], feed.loc[entry.detail["first_record"]]
        assert double["citizen_id"] == original["citizen_id"]
        assert double["name"] != original["name"]
        assert double["index"] > original["index"] and double["cd_time"] > original["cd_time"]


@pytest.mark.parametrize("scale", ["small_world", "middle_world"])
def test_firms_show_exactly_what_is_planted(scale: str, request: pytest.FixtureRequest):
    _, days = request.getfixturevalue(scale)
    judges = {
        "enterprise": verdict.wrong_with_enterprise,
        "individual_business": lambda row: (
            verdict.wrong_with_code(row["uscc"]) | verdict.wrong_with_number(row["operator_citizen_id"])
        ),
        "legal_representative": lambda row: (
            verdict.wrong_with_code(row["uscc"]) | verdict.wrong_with_number(row["representative_citizen_id"])
        ),
    }
    for name, judge in judges.items():
        planted = planted_in(days, f"legal_entity.{name}")
        rows = [row for d in days for row in d.market[name].written.to_dict("records")]
        assert len(rows) > 100
        for row in rows:
            assert judge(row) == planted.get(str(row["record_no"]), set()) - {"late_row"}
    for name in judges:
        written = pd.concat([d.market[name].written for d in days]).drop_duplicates("record_no", keep="last")
        assert written["uscc"].is_unique


@pytest.mark.parametrize("scale", ["small_world", "middle_world"])
def test_licences_show_exactly_what_is_planted(scale: str, request: pytest.FixtureRequest):
    world, days = request.getfixturevalue(scale)
    known = known_codes(world)
    judged = 0
    for deliveries in days:
        for delivery in deliveries.files:
            planted = planted_in(days, delivery.kind.resource)
            for row in delivery.rows.to_dict("records"):
                shown = verdict.wrong_with_licence(row, deliveries.day.date, known)
                assert shown == planted.get(row["证照标识"], set()), row["证照标识"]
                judged += 1
    assert judged > 1200


@pytest.mark.parametrize("scale", ["small_world", "middle_world"])
def test_insured_show_exactly_what_is_planted(scale: str, request: pytest.FixtureRequest):
    world, days = request.getfixturevalue(scale)
    planted = planted_in(days, "population.insured_person")
    people = world.population.people
    registered = people[people["fault"] == ""].set_index("citizen_id")["name"]
    persons = world.insurance.persons
    assert len(persons) > 500 and persons["citizen_id"].is_unique
    strangers = 0
    for row in persons.to_dict("records"):
        shown = verdict.wrong_with_insured(row)
        name = registered.get(row["citizen_id"])
        strangers += name is None
        if name is not None and name != row["name"]:
            shown.add("name_conflict")
        assert shown == planted.get(str(row["record_no"]), set())
    assert 0 < strangers < len(persons) / 20
    employers = planted_in(days, "legal_entity.insured_employer")
    counts = persons["employer_uscc"].value_counts()
    for row in world.insurance.employers.to_dict("records"):
        assert verdict.wrong_with_code(row["uscc"]) == employers.get(str(row["record_no"]), set())
        assert row["insured_count"] == counts.get(row["uscc"], 0)


def test_departments_agree_on_names(full_world: tuple[World, list[Deliveries]]):
    world, (first, _) = full_world
    names = world.population.people[world.population.people["fault"] == ""].set_index("citizen_id")["name"].to_dict()
    firms = pd.concat([world.market.tables[name] for name in ("enterprise", "individual_business")])
    names |= firms[firms["fault"] == ""].set_index("uscc")["name"].to_dict()
    holders = pd.concat([f.rows for f in first.files if not f.fault])
    holders = holders[holders["持证主体代码"].isin(names)]
    assert len(holders) > 59_000
    assert (holders["持证主体代码"].map(names) == holders["持证主体名称"]).all()
    employers = world.insurance.employers
    shared = employers[employers["uscc"].isin(names)]
    assert len(shared) > 5000 and (shared["uscc"].map(names) == shared["name"]).all()


def test_next_day_moves_about_one_row_in_a_hundred(full_world: tuple[World, list[Deliveries]]):
    _, (first, second) = full_world
    feed = second.population.residents
    assert 0.007 < len(feed) / 50_000 < 0.014
    assert set(feed["cd_operation"]) == {"I", "U", "D"}
    assert set(second.population.households["cd_operation"]) == {"I", "U", "D"}
    enterprise = second.market["enterprise"]
    assert 0.005 < (len(enterprise.written) + len(enterprise.deleted)) / 12_000 < 0.015
    assert enterprise.deleted and enterprise.inserted < len(enterprise.written)
    before = pd.concat([f.rows for f in first.files if not f.fault])
    now = pd.concat([f.rows for f in second.files if not f.fault])
    changed = now["证照标识"].isin(before["证照标识"])
    assert 0.005 < len(now) / 60_000 < 0.015
    assert 0.3 < changed.mean() < 0.7


def test_late_rows_are_exactly_those_in_the_key_and_overtaken_ones(small_world: tuple[World, list[Deliveries]]):
    _, days = small_world
    for deliveries in days:
        feed = deliveries.population.residents
        day_before = pd.Timestamp(deliveries.day.date - pd.Timedelta(days=1), tz="Asia/Shanghai")
        late = feed[feed["cd_time"] < day_before]
        keyed = {int(k) for k, kinds in planted_in([deliveries], "population.resident").items() if "late_row" in kinds}
        last = feed.drop_duplicates("record_no", keep="last")
        stands = set(last.loc[last["cd_time"] < day_before, "record_no"])
        if deliveries.day.day > 1:
            assert stands == keyed and len(late) > len(keyed) > 1
        else:
            assert late.empty


def test_a_feed_s_last_row_is_what_the_source_holds_whatever_time_it_states(
    small_world: tuple[World, list[Deliveries]],
):
    world, days = small_world
    newest: dict[int, pd.Timestamp] = {}
    turned_back: set[int] = set()
    phones: dict[int, str] = {}
    for deliveries in days:
        for row in deliveries.population.residents.itertuples():
            record = int(row.record_no)
            if row.cd_time < newest.get(record, row.cd_time):
                turned_back.add(record)
            newest[record], phones[record] = row.cd_time, row.phone
    held = world.population.people.loc[world.population.people["live"], ["record_no", "phone"]]
    assert turned_back & set(held["record_no"])
    assert {record: phones[record] for record in held["record_no"]} == dict(held.itertuples(index=False))


def test_watermark_tables_bring_a_row_at_and_a_row_before_the_last_instant(
    small_world: tuple[World, list[Deliveries]],
):
    _, (first, second, third) = small_world
    for earlier, later in ((first, second), (second, third)):
        for name in ("enterprise", "individual_business"):
            newest = earlier.market[name].written["updated_at"].max()
            written = later.market[name].written
            assert (written["updated_at"] == newest).sum() == 1
            assert (written["updated_at"] < newest).sum() == 1
            late = {str(record) for record in written.loc[written["updated_at"] <= newest, "record_no"]}
            planted = planted_in([later], f"legal_entity.{name}")
            assert late == {key for key, kinds in planted.items() if "late_row" in kinds}


def test_nothing_deleted_leaves_a_licence_or_an_employee_behind():
    world = World(SEED, SMALL, FIRST_DATE)
    days = [world.step() for _ in range(8)]
    gone = set(world.population.people.loc[~world.population.people["live"], "citizen_id"])
    gone_records = {number for d in days for number in d.market["enterprise"].deleted}
    assert len(gone) > 8 and len(gone_records) >= 7
    known = known_codes(world)
    for kind, table in world.licences.tables.items():
        sound = table[table["fault"] == ""]
        assert len(sound) > 250, kind
        assert sound["holder_code"].isin(known).all()


def test_rows_are_evidently_invented(small_world: tuple[World, list[Deliveries]]):
    world, _ = small_world
    assert world.population.people["phone"].str.startswith("100").all()
    assert world.market.tables["enterprise"]["name"].str.startswith("示范").all()


def planted_in(days: list[Deliveries], resource: str) -> dict[str, set[str]]:
    """Return record key → kinds planted in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for deliveries in days:
        for entry in deliveries.planted:
            if entry.resource == resource and entry.kind not in FILE_FAULTS:
                found[entry.record_key].add(entry.kind)
    return found


def known_codes(world: World) -> set[str]:
    """Return every number and code that a base library will hold: sound rows only, as a careful pipeline would."""
    people = world.population.people
    known = set(people.loc[people["live"] & (people["fault"] == ""), "citizen_id"])
    for name in ("enterprise", "individual_business"):
        table = world.market.tables[name]
        known |= set(table.loc[table["fault"] == "", "uscc"])
    assert len(known) > 1000
    return known


def test_first_day_is_the_business_date_of_the_settings():
    assert World(SEED, SMALL, date(2026, 1, 1)).step().day.batch == "20260101-01"
