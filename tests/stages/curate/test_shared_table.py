"""A shared table follows all that it is made from: contract, library, and its own state; and only then is published."""

from __future__ import annotations

import copy
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from catalog.control.session import session_scope
from catalog.control.shares import list_share_versions
from catalog.control.tables import CheckResult, LedgerEntry, Position, ShareVersion
from catalog.model.errors import GateStoppedError
from catalog.model.layers import conflict_of, table, table_of
from catalog.model.registry import get_registry
from expectations.gate import check
from jobs.curate import stage
from jobs.curate.stage import curate
from jobs.publish.stage import publish
from jobs.reconcile.tables import CONFLICT_COLUMNS, base_columns
from jobs.runtime import delta
from jobs.runtime.inputs import InputAwayError
from tests.stages.reconcile.library_rows import ANN, BEN, CAT

RESOURCE, LIBRARY = "trial.known_person", "population.person"
DAN, EVE = "110101199003072447", "510107198505050019"
SHARED = "gold.trial__known_person"
SINCE = {"name": "since", "businessName": "参保日期", "transformLogic": "insured_since_date"}
CONTRACT = {
    "apiVersion": "v3.0.2",
    "kind": "DataContract",
    "id": RESOURCE,
    "name": "known_person",
    "version": "1.0.0",
    "status": "active",
    "domain": "trial",
    "description": {"purpose": "A shared table for the stages to cut."},
    "schema": [
        {
            "name": "known_person",
            "businessName": "已知人员",
            "properties": [
                {"name": "person_id", "businessName": "人员标识", "primaryKey": True, "required": True},
                {"name": "name", "businessName": "姓名"},
                {"name": "division_code", "businessName": "行政区划代码"},
                SINCE,
            ],
        }
    ],
    "government": {
        "layer": "gold",
        "department": "public_security",
        "resource_code": "101001/9",
        "items": {
            "person_id": {"element": "person_id"},
            "name": {"element": "person_name"},
            "division_code": {"element": "residence_division_code"},
            "since": {"element": "insured_since_date"},
        },
        "curate": {"input": LIBRARY, "where": "division_code IS NOT NULL"},
        "share": {"share": "trial", "type": "unconditional"},
    },
}


class Lake:
    """A library of five persons and the contract of the shared table that is cut from it."""

    def __init__(self, spark, folder: Path):
        self.spark, self.folder = spark, folder
        self.contract = copy.deepcopy(CONTRACT)
        self.shared = table(SHARED)
        self.declare()
        person = get_registry().get(LIBRARY)
        self.library, self.conflicts = table_of(person), conflict_of(person)
        delta.ensure(spark, self.conflicts, CONFLICT_COLUMNS)
        self.make_library()

    @property
    def columns(self):
        return self.contract["schema"][0]["properties"]

    @property
    def items(self):
        return self.contract["government"]["items"]

    def declare(self):
        """Put the contract in force as it stands."""
        path = self.folder / "contracts" / "trial" / "known_person.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(self.contract, allow_unicode=True), encoding="utf-8")
        get_registry.cache_clear()

    def make_library(self):
        """Make the library, of all persons; anew when it is there."""
        shutil.rmtree(self.library.local_path, ignore_errors=True)
        delta.ensure(self.spark, self.library, base_columns(get_registry().get(LIBRARY)))
        others = {CAT: {"division_code": "510104"}, DAN: {"division_code": None}, EVE: {"_is_deleted": True}}
        self.say({ANN: {}, BEN: {}, **others})

    def say(self, persons):
        """Write what the library says of each of ``persons``, beside what it says of all."""
        said = {"name": "示范甲", "division_code": "510107", "insured_since_date": date(2020, 5, 1)}
        said.update({"_is_deleted": False, "_flags": [], "_provenance": {}})
        rows = [{"citizen_id": key, "person_id": name_of(key), **said, **values} for key, values in persons.items()]
        types = {name: kind for name, kind, _ in base_columns(get_registry().get(LIBRARY))}
        schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
        frame = self.spark.createDataFrame([tuple(row.get(name) for name in types) for row in rows], schema)
        delta.merge(self.spark, frame, self.library, ["citizen_id"])

    def erase(self, citizen):
        """Take a person out of the library, as somebody would by hand."""
        self.spark.sql(f"DELETE FROM {self.library.sql} WHERE citizen_id = '{citizen}'").collect()  # noqa: S608

    def cut(self, **changes):
        """Put a changed contract in force, curate, and return what is shared: ``{person: {column: value}}``."""
        if changes:
            self.contract["government"]["curate"].update(changes.pop("curate", {}))
            self.contract.update(changes)
            self.declare()
        curate(RESOURCE)
        return {row["person_id"]: row.asDict() for row in delta.read(self.spark, self.shared).collect()}

    @property
    def version(self):
        return delta.current_version(self.spark, self.shared)


def name_of(citizen: str) -> str:
    return f"{int(citizen[:17]):024x}"


A, B, C, D = map(name_of, (ANN, BEN, CAT, DAN))


def forget():
    with session_scope() as session:
        session.execute(sql_delete(Position).where(Position.consumer == RESOURCE))
        session.execute(sql_delete(ShareVersion).where(ShareVersion.resource == RESOURCE))
        session.execute(sql_delete(CheckResult).where(CheckResult.resource == RESOURCE))
        session.execute(sql_delete(LedgerEntry).where(LedgerEntry.resource == RESOURCE))


@pytest.fixture
def lake(spark, stack, tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "lake_uri", f"file:{tmp_path}/lake")
    monkeypatch.setattr(stack, "resource_path", str(tmp_path / "contracts"))
    monkeypatch.setattr(stack, "home", tmp_path)
    forget()
    yield Lake(spark, tmp_path)
    forget()
    monkeypatch.undo()
    get_registry.cache_clear()


def test_each_change_of_the_contract_reaches_every_row(lake, spark, monkeypatch):
    assert lake.cut().keys() == {A, B, C}
    made = delta.table_id(spark, lake.shared)
    before = lake.version
    lake.cut()
    assert lake.version == before, "nothing is new"
    lake.cut(description={"purpose": "The same, in other words."})
    assert lake.version == before, "all rows are cut again, and none differs"

    lake.columns[1]["transformLogic"] = "concat(left(name, 1), '某')"
    cut = lake.cut(curate={"where": "division_code = '510107'"})
    assert {person: row["name"] for person, row in cut.items()} == {A: "示某", B: "示某"}

    lake.columns[3] = {**SINCE, "transformLogic": "string(year(insured_since_date))"}
    lake.items["since"] = {"element": "household_number"}
    del lake.columns[2], lake.items["division_code"]
    before = lake.version
    assert lake.cut(version="2.0.0")[A] == {"person_id": A, "name": "示某", "since": "2020"}
    assert lake.version == before + 1, "rows and columns in one commit"
    shared = spark.sql(f"DESCRIBE DETAIL {lake.shared.sql}").first()
    assert shared["id"] == made, "it is the same table all the time"
    assert shared["properties"]["delta.enableDeletionVectors"] == "false"
    names = {row["col_name"]: row["comment"] for row in spark.sql(f"DESCRIBE TABLE {lake.shared.sql}").collect()}
    assert names["name"] == "姓名"

    cut_short(lake, monkeypatch)
    lake.say({BEN: {"name": "示范乙"}})
    assert {person: row["name"] for person, row in lake.cut().items()} == {A: "示某", B: "示某"}
    check_and_publish(lake)


def cut_short(lake, monkeypatch):
    """A run that died over another contract leaves none of its rows once that contract is taken back."""

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stage, "remember", die)
        with pytest.raises(KeyboardInterrupt):
            lake.cut(curate={"where": "division_code = '510104'"})
    assert {row["person_id"] for row in delta.read(lake.spark, lake.shared).collect()} == {C}
    assert lake.cut(curate={"where": "division_code = '510107'"}).keys() == {A, B}


def check_and_publish(lake):
    """What was checked under the rules in force is published, once; under others it is not."""
    with pytest.raises(GateStoppedError, match="never checked"):
        publish(RESOURCE)
    check(RESOURCE)
    lake.contract["government"]["bounds"] = {"floor": 2}
    lake.declare()
    with pytest.raises(GateStoppedError, match="other rules"):
        publish(RESOURCE)
    check(RESOURCE)
    publish(RESOURCE)
    publish(RESOURCE)
    with session_scope() as session:
        [served] = list_share_versions(session, resource=RESOURCE)
        of_publish = (LedgerEntry.resource == RESOURCE, LedgerEntry.stage == "publish")
        accounts = session.scalars(select(LedgerEntry.accepted).where(*of_publish)).all()
    assert (served.delta_version, served.rows, accounts) == (lake.version, 2, [2])
    assert served.table_uri == "gold/trial__known_person"
    assert served.table_id == delta.table_id(lake.spark, lake.shared)


def test_tables_that_were_made_anew_went_back_or_are_away(lake, spark):
    assert lake.cut().keys() == {A, B, C}
    lake.make_library()
    lake.say({ANN: {"name": "示范丁"}, BEN: {"division_code": None}})
    assert {person: row["name"] for person, row in lake.cut().items()} == {A: "示范丁", C: "示范甲"}

    lake.say({DAN: {}})
    lake.erase(CAT)
    assert lake.cut().keys() == {A, D}, "a row taken out of the library by hand leaves, too"

    shutil.rmtree(lake.shared.local_path)
    assert lake.cut().keys() == {A, D}

    away, version = lake.folder / "away", lake.version
    for lost in (lake.library, lake.conflicts):
        shutil.move(lost.local_path, away)
        with pytest.raises(InputAwayError, match=f"{lost.name} was read at version") as refused:
            curate(RESOURCE)
        assert "reconcile" in refused.value.remedy
        shutil.move(away, lost.local_path)
    assert lake.cut().keys() == {A, D} and lake.version == version

    shutil.rmtree(lake.library.local_path)
    delta.ensure(spark, lake.library, base_columns(get_registry().get(LIBRARY)))
    assert lake.cut() == {}, "an empty library is no library that is away"
    with pytest.raises(GateStoppedError, match="row_floor"):
        check(RESOURCE)
