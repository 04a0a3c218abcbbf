"""From silver to the share beside a model (库与共享表): persons of two sources, deaths in each of the later stages."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml
from sqlalchemy import delete as sql_delete

from catalog.control.session import session_scope
from catalog.control.shares import list_share_versions
from catalog.control.tables import CheckResult, LedgerEntry, Position, ShareVersion
from catalog.model.layers import conflict_of, identity_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.reconcile.as_of import digest, library_as_of
from jobs.runtime import delta
from jobs.runtime.spark import connect
from tests.histories.history import Death
from tests.histories.killing import run_through
from tests.histories.world import Difference
from tests.stages.curate.test_shared_table import CONTRACT
from tests.stages.reconcile.library_rows import forget, instant, silver_row, write

PERSON, SHARED = "population.person", "trial.known_person"
INPUTS = ("population.resident", "population.insured_person")
STAGES = {PERSON: ("link", "reconcile"), SHARED: ("curate", "check", "publish")}
PERSONS = 20

Said = dict[str, dict[int, dict[str, Any]]]
"""Source → person → what it says."""


@dataclass
class LibraryModel:
    """What library, disagreements and shared table must hold of what silver says."""

    said: Said = field(default_factory=lambda: {source: {} for source in INPUTS})

    def library(self) -> dict[str, tuple[str, str | None]]:
        """Return citizen → name and division: of both sources the police's name, and only the police's division."""
        residents, insured = (self.said[source] for source in INPUTS)
        found = {number: (values["name"], None) for number, values in insured.items()}
        found |= {number: (values["name"], values["division_code"]) for number, values in residents.items()}
        return {citizen(number): values for number, values in found.items()}

    def disagreements(self) -> set[str]:
        """Return the citizens on whose name the sources disagree."""
        residents, insured = (self.said[source] for source in INPUTS)
        both = residents.keys() & insured.keys()
        return {citizen(n) for n in both if residents[n]["name"] != insured[n]["name"]}

    def shared(self) -> dict[str, tuple[str, str | None]]:
        """Return what the shared table takes of the library."""
        return {key: values for key, values in self.library().items() if values[1] is not None}


def citizen(number: int) -> str:
    """Return the key of a person."""
    return f"5101071980{number:08d}"


@dataclass
class Library:
    """A lake of its own, written as conform writes it."""

    folder: Path
    seed: str
    model: LibraryModel = field(default_factory=LibraryModel)
    differences: list[Difference] = field(default_factory=list)
    deaths: list[tuple[str, str]] = field(default_factory=list)
    ended: dict[str, list[str]] = field(default_factory=dict)
    """Stage → the commits that its last run came to."""
    steps: int = 0

    def __post_init__(self) -> None:
        self.chance = Random(f"{self.seed}/library")
        contracts = self.folder / "resources" / "trial"
        contracts.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(copy.deepcopy(CONTRACT), allow_unicode=True)
        (contracts / "known_person.yml").write_text(text, encoding="utf-8")
        os.environ["LAKE_URI"] = f"file:{self.folder}/lake"
        os.environ["RESOURCE_PATH"] = str(contracts.parent)
        get_settings.cache_clear()
        get_registry.cache_clear()
        forget(PERSON)
        with session_scope() as session:
            session.execute(sql_delete(Position).where(Position.consumer == SHARED))
            for table in (ShareVersion, CheckResult, LedgerEntry):
                session.execute(sql_delete(table).where(table.resource == SHARED))

    def close(self) -> None:
        """Let the process work for the home's own lake again."""
        del os.environ["LAKE_URI"]
        forget(PERSON)
        get_settings.cache_clear()

    def take(self, deaths: Sequence[Death]) -> None:
        """Let the sources say something new, and bring it to the share, with deaths on the way."""
        self.steps += 1
        for source in INPUTS:
            write(connect(), source, self._news(source))
        for resource, stages in STAGES.items():
            for stage in stages:
                own = [death for death in deaths if death.stage == stage]
                self.ended[stage] = run_through(stage, resource, {}, own, self.deaths)
        self.compare()

    def _news(self, source: str) -> list[dict[str, Any]]:
        """Draw what a source says new of some persons; the first time of all."""
        said = self.model.said[source]
        numbers = range(1, PERSONS + 1) if self.steps == 1 else self.chance.sample(range(1, PERSONS + 1), 5)
        rows = []
        for number in numbers:
            is_deleted = number in said and self.chance.random() < 0.25
            values: dict[str, Any] = {"name": f"示范{self.chance.choice('甲乙丙')}"}
            if source == INPUTS[0]:
                values["division_code"] = f"51010{self.chance.randint(4, 7)}"
            if is_deleted:
                values = said.pop(number)
            else:
                said[number] = values
            stamps = {"_source_at": instant(1), "_batch_id": f"b{self.steps}", "_is_deleted": is_deleted}
            rows.append(silver_row(citizen_id=citizen(number), record_no=number, **values, **stamps))
        return rows

    def compare(self) -> None:
        """Hold every table from the library on against the model."""
        spark, person = connect(), get_registry().get(PERSON)
        self._compare_identities()
        rows = delta.read(spark, table_of(person)).collect()
        living = {r["citizen_id"]: (r["name"], r["division_code"]) for r in rows if not r["_is_deleted"]}
        self._same("library", self.model.library(), living)
        self._same("rows of the library", len({r["citizen_id"] for r in rows}), len(rows))
        conflicts = [r["entity_key"] for r in delta.read(spark, conflict_of(person)).collect()]
        self._same("disagreements", sorted(self.model.disagreements()), sorted(conflicts))
        standing = delta.read(spark, table_of(person)).where("NOT _is_deleted")
        self._same("library of statements", digest(person, standing), digest(person, library_as_of(spark, person)))
        self._compare_share({r["person_id"]: r["citizen_id"] for r in rows})

    def _compare_identities(self) -> None:
        """Every record that a source ever told has one entity, and both sources' records of a person the same."""
        rows = delta.read(connect(), identity_of(get_registry().get(PERSON))).collect()
        self._same("records with an identity", len({row["record_id"] for row in rows}), len(rows))
        entities: dict[str, set[str]] = {}
        for row in rows:
            entities.setdefault(row["record_id"].rsplit("|", 1)[1], set()).add(row["entity_id"])
        known = {row["record_id"] for row in rows}
        for source in INPUTS:
            missing = [n for n in self.model.said[source] if f"{source}|{n}" not in known]
            self._same(f"living records of {source} without an identity", [], missing)
        self._same("persons of two entities", [], sorted(n for n, found in entities.items() if len(found) > 1))

    def _compare_share(self, citizens: dict[str, str]) -> None:
        spark, table = connect(), table_of(get_registry().get(SHARED))
        rows = delta.read(spark, table).collect()
        shared = {citizens[r["person_id"]]: (r["name"], r["division_code"]) for r in rows}
        self._same("shared table", self.model.shared(), shared)
        self._same("rows of the shared table", len(shared), len(rows))
        with session_scope() as session:
            versions = [(v.delta_version, v.rows) for v in list_share_versions(session, resource=SHARED)]
        self._same("what is served", (delta.current_version(spark, table), len(rows)), max(versions))
        self._same("versions served once", len({v for v, _ in versions}), len(versions))

    def _same(self, what: str, expected: Any, found: Any) -> None:
        if expected == found:
            return
        if isinstance(expected, dict):
            keys = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))
            expected, found = {k: expected.get(k) for k in keys}, {k: found.get(k) for k in keys}
        self.differences.append(Difference(-1, self.steps, what, expected, found))
