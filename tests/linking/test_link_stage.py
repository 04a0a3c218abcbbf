"""The link command on the real engine: ids that stay, what persons decide, what is new only."""

import json
import uuid
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.ledger import ledger_entries
from catalog.control.migrations import migrate
from catalog.control.reviews import list_pairs
from catalog.control.session import session_scope
from catalog.model.layers import identity_of, redirect_of, stages_of, table_of
from catalog.model.registry import get_registry
from catalog.model.signature import Signature
from jobs.reconcile.linking.stage import link
from jobs.runtime import delta
from jobs.runtime.inputs import InputAwayError
from jobs.stages import WrongStageError, perform
from tests.stages.reconcile.library_rows import ANN, BEN, forget, library, silver_row, write

LIBRARY = "population.person"
RUN = uuid.uuid4().hex[:8]
"""Marks this run's records: a kept engine remembers what was decided about earlier ones."""
BIRTH, OTHER = date(1949, 12, 31), date(1880, 1, 1)


def resident(number, key, **values):
    return silver_row(citizen_id=key, record_no=number, _record_key=f"{RUN}-{number}", **values)


def identities(spark):
    rows = delta.read(spark, identity_of(get_registry().get(LIBRARY))).collect()
    return {row["record_key"].removeprefix(f"{RUN}-"): row for row in rows}


def ask(*arguments):
    answer = CliRunner().invoke(app, [*arguments, "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def linked(spark, stack, tmp_path_factory):
    """Three records of one person: two with their number, one with a wrong one; and somebody else."""
    migrate()
    stack.lake_uri = f"file:{tmp_path_factory.mktemp('linked')}"
    known = {
        "name": "示范国华",
        "sex_code": "2",
        "birth_date": BIRTH,
        "division_code": "510107",
        "phone": "10012345678",
    }
    rows = [
        resident(1, ANN, **known),
        resident(2, "11010519491231002Y", **{**known, "name": "示范國华"}),
        resident(3, BEN, name="示范乙", sex_code="1", birth_date=OTHER, division_code="510107"),
        resident(4, "11010519491231003Z", **{**known, "name": "示范国强"}),
    ]
    write(spark, "population.resident", rows)
    insured = silver_row(citizen_id=ANN, record_no=71, name="示范国华", _record_key=f"{RUN}-71")
    write(spark, "population.insured_person", [insured])
    forget(f"link.{LIBRARY}")
    found = link(LIBRARY)
    yield found, identities(spark)
    forget(f"link.{LIBRARY}")


def test_keys_link_first_and_the_model_what_has_none(linked):
    found, by_record = linked
    assert set(by_record) == {"1", "2", "3", "4", "71"}
    assert by_record["1"]["entity_id"] == by_record["71"]["entity_id"] == by_record["2"]["entity_id"]
    assert (by_record["71"]["method"], by_record["2"]["method"]) == ("key", "model")
    assert by_record["2"]["model"] == f"{LIBRARY}/1" and by_record["2"]["weight"] > 11
    assert by_record["3"]["entity_id"] != by_record["1"]["entity_id"]
    assert not found.refused


def test_another_given_name_at_the_same_home_waits_for_a_person(linked):
    [pair] = [p for p in ask("review", "list") if f"{RUN}-4" in p["left_record"] + p["right_record"]]
    shown = ask("review", "show", str(pair["id"]))[0]
    assert pair["why"] == "needs_person"
    assert [step["comparison"] for step in shown["reasons"]][:2] == ["姓名", "出生日期"]
    assert shown["left_masked"]["name"] == "示***"
    assert "11010519491231" not in json.dumps(shown)


def test_nothing_new_links_nothing_and_ids_stay(linked, spark):
    again = link(LIBRARY)
    assert not again.identities and not again.for_review
    assert {k: r["entity_id"] for k, r in identities(spark).items()} == {
        k: r["entity_id"] for k, r in linked[1].items()
    }


@pytest.fixture
def registered(monkeypatch):
    """Have the contract of the library say that its records are linked before each reconcile."""
    contract = get_registry().get(LIBRARY)
    linked = contract.government.reconcile.model_copy(update={"linked": True})
    government = contract.government.model_copy(update={"reconcile": linked})
    monkeypatch.setitem(get_registry()._contracts, LIBRARY, contract.model_copy(update={"government": government}))


def accounts():
    with session_scope() as session:
        return {
            e.batch_id: (e.read, e.accepted, e.run_id) for e in ledger_entries(session, resource=LIBRARY, stage="link")
        }


def test_a_library_that_says_so_is_linked_as_a_stage_of_its_own(linked, spark, registered):
    before = accounts()
    assert before
    home = {"birth_date": BIRTH, "division_code": "510107", "phone": "10012345678"}
    late = resident(9, "11010519491231007Z", name="示范国华", sex_code="2", **home)
    write(spark, "population.resident", [late])
    forget(LIBRARY)
    for stage in stages_of(get_registry().get(LIBRARY))[:2]:
        perform(stage, LIBRARY)
    assert identities(spark)["9"]["entity_id"] == linked[1]["1"]["entity_id"]
    assert ANN in library(spark, LIBRARY)
    fresh = {batch: counts for batch, counts in accounts().items() if before.get(batch) != counts}
    assert [counts[:2] for counts in fresh.values()] == [(1, 1)]
    perform("link", LIBRARY)
    assert accounts() == {**before, **fresh}, "the same batches again make no line"


def test_a_library_that_does_not_say_so_has_no_such_stage(linked):
    with pytest.raises(WrongStageError):
        perform("link", LIBRARY)


def test_what_a_person_decides_wins_and_can_be_undone(linked, spark):
    with session_scope() as session:
        pair = next(p for p in list_pairs(session, LIBRARY) if f"{RUN}-4" in p.left_record + p.right_record)
    assert ask("review", "decide", str(pair.id), "link", "--by", "示范审核员")[0]["state"] == "link"
    link(LIBRARY)
    joined = identities(spark)
    assert joined["4"]["entity_id"] == linked[1]["1"]["entity_id"]
    assert ask("review", "undo", str(pair.id), "--by", "示范审核员")[0]["state"] == "open"
    assert ask("review", "decide", str(pair.id), "no_link", "--by", "示范审核员")[0]["state"] == "no_link"
    link(LIBRARY)
    assert identities(spark)["4"]["entity_id"] != joined["1"]["entity_id"]


def test_a_record_split_off_has_an_id_of_its_own_and_a_merge_leaves_a_redirect(linked, spark):
    entity = linked[1]["1"]["entity_id"]
    [parted] = ask("split", LIBRARY, entity, "--record", f"population.resident|{RUN}-2", "--by", "示范审核员")
    link(LIBRARY)
    assert identities(spark)["2"]["entity_id"] == parted["entity_id"] != entity
    ask("merge", LIBRARY, entity, parted["entity_id"], "--by", "示范审核员", "--note", "同一人")
    link(LIBRARY)
    [redirect] = delta.read(spark, redirect_of(get_registry().get(LIBRARY))).collect()
    assert (redirect["from_id"], redirect["to_id"]) == (parted["entity_id"], entity)
    assert identities(spark)["2"]["entity_id"] == entity
    ask("split", LIBRARY, parted["entity_id"], "--by", "示范审核员")
    link(LIBRARY)
    assert identities(spark)["2"]["entity_id"] == parted["entity_id"]
    history = ask("redirects", LIBRARY, parted["entity_id"])
    signed = str(Signature.given("示范审核员"))
    assert [(h["recorded_by"], h["ended_by"]) for h in history] == [(signed, signed)]


def test_an_input_that_is_away_is_missed_and_one_made_anew_is_linked_whole(linked, spark):
    silver = table_of(get_registry().get("population.insured_person"))
    place, before = Path(silver.local_path), identities(spark)
    place.rename(place.with_name("away"))
    with pytest.raises(InputAwayError, match=r"silver\.population__insured_person was consumed before"):
        link(LIBRARY)
    rows = [silver_row(citizen_id=BEN, record_no=72, name="示范乙", _record_key=f"{RUN}-72")]
    write(spark, "population.insured_person", rows)
    link(LIBRARY)
    after = identities(spark)
    assert after["72"]["entity_id"] == after["3"]["entity_id"]
    assert {key: after[key]["entity_id"] for key in before} == {key: row["entity_id"] for key, row in before.items()}
