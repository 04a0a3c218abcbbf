"""A source without the national key, on the real engine: what linking decides is what the library says."""

import json
import shutil
import uuid
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.identities import redirects_of, restore_entity
from catalog.control.ledger import ledger_entries
from catalog.control.migrations import migrate
from catalog.control.session import session_scope
from catalog.control.tables import CorrectionCase
from catalog.library.explain import explain
from catalog.model.entity_ids import entity_id_of
from catalog.model.errors import ContractError
from catalog.model.layers import (
    conflict_of,
    identity_of,
    keyed_of,
    linkage_of,
    redirect_of,
    statement_of,
    table_of,
    waiting_of,
)
from catalog.model.registry import RESOURCES, Registry, get_registry
from catalog.model.settings import get_settings
from catalog.model.signature import Signature
from jobs.reconcile.as_of import digest, library_as_of
from jobs.reconcile.linking import keyed
from jobs.reconcile.linking.keys import judged_records
from jobs.reconcile.linking.stage import link
from jobs.reconcile.linking.tables import IDENTITY_COLUMNS, REDIRECT_COLUMNS, linkage_columns
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from tests.stages.reconcile.library_rows import ANN, BEN, CAT, forget, instant, library, silver_row, write

pytestmark = pytest.mark.long

PERSON, RESIDENT, KEYLESS = "population.person", "population.resident", "population.practitioner"
OWN = Path(__file__).parent / "resources"
RUN = uuid.uuid4().hex[:8]
"""Marks this run's records: a kept engine remembers what was decided about earlier ones."""
ANNS = {"sex_code": "2", "birth_date": date(1949, 12, 31), "division_code": "510107", "address": "示范路12号"}
CATS = {"sex_code": "1", "birth_date": date(1977, 7, 6), "division_code": "510107", "address": "示范路77号"}


def resident(key, name, day, **values):
    return silver_row(
        citizen_id=key, name=name, _record_key=f"{RUN}-{key[:6]}", _source_at=instant(day), _batch_id=f"ps{day}",
        _row_hash=day, **values,
    )  # fmt: skip


def practitioner(number, name, day, **values):
    """Return one record of the keyless source, as conform writes it."""
    return silver_row(
        register_no=number, name=name, _record_key=f"{RUN}-{number}", _source_at=instant(day),
        _batch_id=f"tr{day}", _source_file="practitioner.csv", _row_number=number,
        _row_hash=day * 10 + number, **values,
    )  # fmt: skip


def contract(resource=PERSON):
    return get_registry().get(resource)


def link_and_reconcile():
    link(PERSON)
    reconcile(PERSON)


def keyed_rows(spark):
    rows = delta.read(spark, keyed_of(contract(), contract(KEYLESS))).collect()
    return {row["citizen_id"]: row for row in rows}


def waiting(spark):
    rows = delta.read(spark, waiting_of(contract(), contract(KEYLESS))).collect()
    return {row["_record_key"].removeprefix(f"{RUN}-"): row["_reason"] for row in rows}


def living(spark):
    return delta.read(spark, table_of(contract())).where("NOT _is_deleted")


def what_it_says_of(key, column):
    [cell] = [cell for cell in explain(PERSON, key).cells if cell.column == column]
    return next((t for t in cell.testimonies if t.source == KEYLESS), None)


def cases():
    with session_scope() as session:
        found = session.query(CorrectionCase).where(CorrectionCase.resource == PERSON)
        return {case.column_name: (case.state, case.doubted_department, case.corrected_by_batch) for case in found}


def ask(*arguments):
    answer = CliRunner().invoke(app, [*arguments, "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def versions(spark):
    tables = [table_of(contract()), identity_of(contract()), statement_of(contract()), conflict_of(contract())]
    tables += [keyed_of(contract(), contract(KEYLESS)), waiting_of(contract(), contract(KEYLESS))]
    return {table.name: delta.current_version(spark, table) for table in tables}


@pytest.fixture(scope="module")
def persons(spark, stack, tmp_path_factory):
    """A library with one source by citizen number and one by its own record number, after its first day.

    The keyless source knows Ann twice, once with her name in a variant character, and somebody nobody else knows.
    """
    migrate()
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(stack, "resource_path", str(OWN))
        changed.setattr(stack, "lake_uri", f"file:{tmp_path_factory.mktemp('keyless')}")
        changed.setattr(stack, "business_date", date(2026, 3, 2))
        get_registry.cache_clear()
        person = contract()
        inputs = [*person.government.reconcile.inputs, KEYLESS]
        spec = person.government.reconcile.model_copy(update={"linked": True, "inputs": inputs})
        government = person.government.model_copy(update={"reconcile": spec})
        changed.setitem(get_registry()._contracts, PERSON, person.model_copy(update={"government": government}))
        forget(PERSON)
        forget(f"link.{PERSON}")
        write(spark, RESIDENT, [resident(ANN, "示范国华", 1, **ANNS)])
        variant = [{"column": "name", "raw": "示范 國华", "rule": "name"}]
        records = [
            practitioner(1, "示范國华", 2, phone="10012345678", _changes=variant, **ANNS),
            practitioner(2, "示范国华", 1, phone="10000000002", **ANNS),
            practitioner(3, "示范文丙", 1, phone="10099999999", **CATS),
        ]
        write(spark, KEYLESS, records)
        with session_scope() as session:
            standing = redirects_of(session, PERSON)
        link_and_reconcile()
        yield stack
    forget(PERSON)
    forget(f"link.{PERSON}")
    with session_scope() as session:
        for merged in redirects_of(session, PERSON).keys() - standing:
            restore_entity(session, PERSON, merged, by="示范审核员")
    get_registry.cache_clear()


def test_its_value_stands_in_the_library_and_explains_itself(persons, spark):
    ann = library(spark, PERSON)[ANN]
    assert (ann["phone"], ann["name"], ann["_flags"]) == ("10012345678", "示范国华", ["SOURCES_DISAGREE"])
    told = what_it_says_of(ANN, "phone")
    assert (told.verdict, told.said.value, told.department) == ("source", "10012345678", "transport")
    spoken = told.version
    assert (spoken.batch_id, spoken.source_file, spoken.row_number) == ("tr2", "practitioner.csv", 1)
    assert (spoken.record_key, spoken.linked_by.method) == (f"{RUN}-1", "model")
    assert (spoken.linked_by.model, spoken.linked_by.weight > 11) == ("population.person/1", True)
    assert what_it_says_of(ANN, "name").said.original == "示范 國华"
    key = what_it_says_of(ANN, "citizen_id")
    assert (key.verdict, key.said) == ("missing", None), "it did not give the number"
    [cell] = ask("explain", PERSON, ANN, "--column", "phone")[0]["cells"]
    assert cell["source"]["linked_by"]["model"] == "population.person/1"


def test_a_disagreement_is_a_case_with_its_department(persons):
    assert {column: case[1:] for column, case in cases().items()} == {"name": ("transport", None)}


def test_who_has_no_entity_with_a_key_waits_and_every_record_is_accounted_for(persons, spark):
    assert set(keyed_rows(spark)) == {ANN}
    assert waiting(spark) == {"2": "NEWER_RECORD_SPEAKS", "3": "NO_NATIONAL_KEY"}
    with session_scope() as session:
        table = keyed_of(contract(), contract(KEYLESS)).name
        [line] = [e for e in ledger_entries(session, resource=PERSON) if e.table_name == table][-1:]
        assert (line.read, line.accepted, line.set_aside) == (3, 1, 2)
    told = {row["record_key"].rpartition("-")[2]: row for row in ask("review", "waiting", PERSON)}
    assert (told["3"]["reason"], told["3"]["file"]) == ("NO_NATIONAL_KEY", "practitioner.csv")
    assert "主键" in told["3"]["why"]


def test_nothing_new_is_no_new_commit(persons, spark):
    before = versions(spark)
    assert all(before.values())
    link_and_reconcile()
    assert versions(spark) == before


def test_the_next_day_a_case_closes_and_who_waited_comes_in(persons, spark, monkeypatch):
    monkeypatch.setattr(persons, "business_date", date(2026, 3, 3))
    write(spark, KEYLESS, [practitioner(1, "示范国华", 3, phone="10012345678", **ANNS)])
    write(spark, RESIDENT, [resident(CAT, "示范文丙", 3, **CATS)])
    cut_short = pytest.MonkeyPatch()
    cut_short.setattr(keyed, "set_position", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        link(PERSON)
    cut_short.undo()
    written = versions(spark)[keyed_of(contract(), contract(KEYLESS)).name]
    link_and_reconcile()
    assert versions(spark)[keyed_of(contract(), contract(KEYLESS)).name] == written, "the try had come so far"
    rows = library(spark, PERSON)
    assert rows[CAT]["phone"] == "10099999999"
    assert waiting(spark) == {"2": "NEWER_RECORD_SPEAKS"}
    assert (rows[ANN]["_flags"], rows[ANN]["_in_verification"]) == ([], [])
    assert cases()["name"] == ("closed", "transport", "tr3")


def test_a_split_takes_the_value_away_and_a_merge_brings_it_back(persons, spark):
    entity = keyed_rows(spark)[CAT]["_entity_id"]
    ended = [practitioner(n, "示范国华", 4, _is_deleted=True, **ANNS) for n in (1, 2)]
    write(spark, KEYLESS, ended)
    [parted] = ask("split", PERSON, entity, "--record", f"{KEYLESS}|{RUN}-3", "--by", "示范审核员")
    link_and_reconcile()
    assert library(spark, PERSON)[CAT]["phone"] is None
    rows = keyed_rows(spark)
    assert rows[CAT]["_is_deleted"] and waiting(spark) == {"3": "NO_NATIONAL_KEY"}
    assert (rows[ANN]["_is_deleted"], rows[ANN]["_batch_id"]) == (True, "tr4"), "the source itself deleted this one"
    assert library(spark, PERSON)[ANN]["phone"] is None
    assert what_it_says_of(CAT, "phone") is None
    ask("merge", PERSON, entity, parted["entity_id"], "--by", "示范审核员", "--note", "同一人")
    link_and_reconcile()
    assert library(spark, PERSON)[CAT]["phone"] == "10099999999"
    assert waiting(spark) == {}
    [cell] = ask("explain", PERSON, CAT, "--column", "phone")[0]["cells"]
    assert set(cell["source"]["linked_by"]["by"]) == {str(Signature.given("示范审核员"))}


def test_day_by_day_equals_built_again(persons, spark, monkeypatch, tmp_path):
    expected, kept = digest(contract(), living(spark)), keyed_rows(spark)
    assert expected[0] == 2
    assert digest(contract(), library_as_of(spark, contract())) == expected
    shutil.copytree(Path(persons.lake_uri.removeprefix("file:"), "silver"), tmp_path / "silver")
    monkeypatch.setattr(persons, "lake_uri", f"file:{tmp_path}")
    forget(PERSON)
    link_and_reconcile()
    assert digest(contract(), living(spark)) == expected
    said = {key: (row["_record_key"], row["phone"]) for key, row in kept.items() if not row["_is_deleted"]}
    assert {key: (row["_record_key"], row["phone"]) for key, row in keyed_rows(spark).items()} == said
    assert set(said) == {CAT}


def entity(key):
    return entity_id_of(PERSON, key, get_settings().identity_key)


BELONGING = {
    (RESIDENT, "a"): (ANN, ANN), (RESIDENT, "b"): (ANN, BEN), (RESIDENT, "c"): ("lone", CAT),
    (RESIDENT, "d"): ("two", "D"), (RESIDENT, "e"): ("two", "E"), (RESIDENT, "f"): ("F", "F"),
    (KEYLESS, "1"): (ANN, None), (KEYLESS, "2"): (ANN, BEN), (KEYLESS, "3"): (ANN, "F"), (KEYLESS, "4"): ("lone", None),
    (KEYLESS, "5"): ("two", None), (KEYLESS, "6"): ("none", None), (KEYLESS, "7"): ("F", None),
    (KEYLESS, "8"): ("F", None),
}  # fmt: skip
"""Record → what its entity's id is made of, and the valid key that it states."""
MERGED = {BEN: ANN, CAT: "lone", "D": "two", "E": "two"}


def test_no_record_speaks_for_another_number_than_its_own_but_where_persons_merged(
    persons, spark, monkeypatch, tmp_path
):
    monkeypatch.setattr(persons, "lake_uri", f"file:{tmp_path}")
    rows = [practitioner(n, "示范", 9 if n in (2, 7) else 1) for n in range(1, 10)]
    for n, row in enumerate(rows, start=1):
        row |= {"_record_key": str(min(n, 8)), "_order": None if n < 7 else (10 if n == 8 else n, 1, 1, n)}
    write(spark, KEYLESS, rows)
    tables = [identity_of(contract()), linkage_of(contract()), redirect_of(contract())]
    shapes = [IDENTITY_COLUMNS, linkage_columns("person"), REDIRECT_COLUMNS]
    found = [(f"{r}|{k}", r, k, entity(made_of), entity(made_of)) for (r, k), (made_of, _) in BELONGING.items()]
    stated = [(f"{r}|{k}", key) for (r, k), (_, key) in BELONGING.items()]
    merged = [(entity(gone), entity(stays)) for gone, stays in MERGED.items()]
    contents = [
        (found, ["record_id", "resource", "record_key", "entity_id", "original_id"]),
        (stated, ["record_id", "key"]),
        (merged, ["from_id", "to_id"]),
    ]
    for table, shape, (content, columns) in zip(tables, shapes, contents, strict=True):
        delta.ensure(spark, table, shape)
        frame = spark.createDataFrame(content, ", ".join(f"{name} string" for name in columns))
        delta.merge(spark, frame, table, columns[:1])
    now = {table.name: delta.table_version(spark, table) for table in (table_of(contract(KEYLESS)), *tables)}
    judged = judged_records(spark, keyed.Work(contract(), contract(KEYLESS), None, now), None).collect()
    assert len(judged) == 8, "of two rows of one record the newer one"
    assert {row["_record_key"]: row["_reason"] or row["citizen_id"] for row in judged} == {
        "1": "NEWER_RECORD_SPEAKS", "2": ANN, "3": "KEY_OF_ANOTHER", "4": CAT, "5": "SEVERAL_NATIONAL_KEYS",
        "6": "NO_NATIONAL_KEY", "7": "NEWER_RECORD_SPEAKS", "8": "F",
    }  # fmt: skip


def test_an_input_without_the_key_is_refused_unless_its_records_are_linked(tmp_path):
    (tmp_path / "population").mkdir()
    document = (RESOURCES / "population" / "person.yml").read_text(encoding="utf-8")
    document = document.replace("id: population.person", "id: population.driver").replace(
        "name: person\n", "name: driver\n"
    )
    document = document.replace("population.insured_person]", f"{KEYLESS}]")
    place = tmp_path / "population" / "driver.yml"
    place.write_text(document, encoding="utf-8")
    with pytest.raises(ContractError, match=r"population\.practitioner has no column citizen_id") as refused:
        Registry(RESOURCES, OWN, tmp_path).get("population.driver")
    assert "linked: true" in str(refused.value) and refused.value.place.startswith(f"{place}:")
    place.write_text(document.replace("key: citizen_id\n", "key: citizen_id\n    linked: true\n"), encoding="utf-8")
    assert Registry(RESOURCES, OWN, tmp_path).get("population.driver").government.reconcile.linked
