"""The pipeline beside its model (产品与模型并行): one resource, hundreds of histories, compared after every conform."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import functions as F

from catalog.control.batches import reopen_stage
from catalog.control.session import session_scope
from catalog.control.tables import Batch, LedgerEntry
from catalog.model.contract import Contract
from catalog.model.layers import bronze_of, closed_of, set_aside_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import CHECKOUT, get_settings
from jobs.runtime import delta
from jobs.runtime.spark import connect
from jobs.stages import perform
from tests.histories.clock import Clock
from tests.histories.history import Death, Event, History, Timetable, Turn
from tests.histories.killing import run_through
from tests.histories.model import Silver, Version
from tests.histories.sources import COLUMNS, Department, Feed, Files, Interface, LiveTable
from tests.stages.extract.shop_contract import contract_document


@dataclass(frozen=True)
class Difference:
    """Something that the product holds and the model does not, or the other way round."""

    history: int
    """-1 where it is of no one history."""
    step: int
    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"step {self.step}, {self.what}: expected {self.expected}, found {self.found}"


class Ground:
    """Where worlds stand: a folder with contracts and a drop folder, and the addresses of their sources."""

    def __init__(self, folder: Path) -> None:
        self.outbox, self.resources = folder / "outbox", folder / "resources" / "licence"
        self.outbox.mkdir(parents=True, exist_ok=True)
        self.resources.mkdir(parents=True, exist_ok=True)
        self.database = get_settings().source("public_security")
        os.environ["SOURCE_TRANSPORT"] = f"file:{self.outbox}"
        os.environ["RESOURCE_PATH"] = str(self.resources.parent)
        self.forget()

    def forget(self) -> None:
        """Have settings and contracts read again."""
        get_settings.cache_clear()
        get_registry.cache_clear()

    def department(self, kind: str, name: str, clock: Clock) -> Department:
        """Found a department, and declare its contract."""
        founded: Department
        if kind == "file":
            founded = Files(self.outbox, clock, name)
        elif kind == "feed":
            founded = Feed(self.database, clock, name)
        elif kind in ("rest", "since"):
            founded = Interface(clock, is_asked_since=kind == "since")
            os.environ["SOURCE_HUMAN_RESOURCES"] = founded.address
        else:
            founded = LiveTable(self.database, clock, name, kind)
        document = contract_document(founded.source, name, COLUMNS)
        for declared in document["schema"][0]["properties"]:
            declared["required"] = True
        text = yaml.safe_dump(document, allow_unicode=True)
        (self.resources / f"{name}.yml").write_text(text, encoding="utf-8")
        self.forget()
        return founded


@dataclass
class World:
    """One resource of one kind of source and its model."""

    ground: Ground
    kind: str
    name: str
    timetable: Timetable
    histories: dict[int, History]
    clock: Clock = field(default_factory=Clock)
    silver: Silver = field(default_factory=Silver)
    differences: list[Difference] = field(default_factory=list)
    deaths: list[tuple[str, str]] = field(default_factory=list)
    """Where runs died, and how."""
    ended: dict[str, list[str]] = field(default_factory=dict)
    """Stage → the commits that its last run came to."""
    tell: Callable[[str], None] | None = None
    failure: str = ""
    """Traceback of the stage that failed, and ended the world."""

    def __post_init__(self) -> None:
        self.department = self.ground.department(self.kind, self.name, self.clock)
        self.waiting: dict[str, list[Version]] = {}
        """Batches that extract has accepted and conform has not finished."""
        self.labels: dict[str, str] = {}
        """Batch of the product → label of the model."""
        self.acts: dict[int, list[tuple[int, Event]]] = defaultdict(list)
        for number, history in self.histories.items():
            for event in history:
                self.acts[event.step].append((number, event))

    @property
    def contract(self) -> Contract:
        """The contract as it is now."""
        return get_registry().get(f"licence.{self.name}")

    def live(self) -> list[Difference]:
        """Go through all steps; return what differed."""
        for turn in self.timetable:
            try:
                began = time.monotonic()
                self.take(turn)
                if self.tell:
                    self.tell(f"  {self.kind} step {len(self.clock.began)}: {time.monotonic() - began:.0f} s, "
                              f"{len(self.differences)} differences")  # fmt: skip
            except Exception as error:  # whatever a stage raises is a difference: the model never fails
                self.failure = traceback.format_exc()
                self._differ(
                    -1, len(self.clock.began) - 1, "the stages", "no error", f"{type(error).__name__}: {error}"
                )
                break
        return self.differences

    def take(self, turn: Turn) -> None:
        """Go through one step."""
        step = self.clock.begin()
        self.department.act(step, turn, self.acts[step])
        killed: defaultdict[str, list[Death]] = defaultdict(list)
        for death in turn.killed:
            killed[death.stage].append(death)
        if turn.is_extracted:
            self.extract(step, killed["extract"])
        if turn.is_rebuilt:
            self.rebuild()
        if turn.is_conformed or turn.is_rebuilt:
            self.conform(killed["conform"], has_second=turn.has_second)
            self.compare(step)
        conformed = [label for label in self.silver.judged if label not in self.waiting]
        if turn.replay is not None and conformed:
            self.replay(conformed[turn.replay % len(conformed)])
            self.compare(step)

    def extract(self, step: int, deaths: Sequence[Death] = ()) -> None:
        """Read the source, perhaps dying on the way, and hold the batches against the model's."""
        options: dict[str, Any] = {"allow_mass_delete": True} if self.kind in ("full", "watermark") else {}
        if isinstance(self.department, Feed) and self.department.is_restarted:
            options["feed_restarted"] = True
        self._run("extract", options, deaths)
        expected = self.department.read(step)
        found = {}
        with session_scope() as session:
            lines = session.query(LedgerEntry).filter_by(resource=self.contract.id, stage="extract")
            read = {line.batch_id: line.accepted for line in lines}
            for batch in session.query(Batch).filter_by(resource=self.contract.id, status="accepted"):
                if batch.batch_id not in self.labels:
                    self.labels[batch.batch_id] = label = self._label(batch, step)
                    found[label] = read[batch.batch_id]
        counts = {label: len(rows) for label, rows in expected.items()}
        if counts != found:
            self._differ(-1, step, "accepted batches", _less(counts, found), _less(found, counts))
            self._find_lost(step, expected)
        self.waiting |= expected

    def _label(self, batch: Batch, step: int) -> str:
        if self.kind != "file":
            return f"s{step}"
        return str(batch.manifest["source_file"]).removeprefix(f"{self.name}-").removesuffix(".csv")

    def _find_lost(self, step: int, expected: dict[str, list[Version]]) -> None:
        """Say of which histories rows are missing in bronze, or too many."""
        rows = delta.read(connect(), bronze_of(self.contract)).select("_batch_id", "_record_key").collect()
        found = Counter((self.labels.get(r["_batch_id"], ""), r["_record_key"]) for r in rows)
        wanted = Counter((label, v.record) for label, versions in expected.items() for v in versions)
        for label, record in wanted.keys() | {place for place in found if place[0] in expected}:
            if wanted[label, record] != found[label, record]:
                place = f"rows of record {record} in bronze, batch {label}"
                self._differ(_history(record), step, place, wanted[label, record], found[label, record])

    def conform(self, deaths: Sequence[Death] = (), *, has_second: bool = False) -> None:
        """Conform what waits, perhaps dying on the way, perhaps beside another process."""
        with second_runner(self.contract.id if has_second else None):
            self._run("conform", {}, deaths)
        self.silver.conform(self.waiting)
        self.waiting = {}

    def replay(self, label: str) -> None:
        """Conform one batch again."""
        [batch] = [batch for batch, known in self.labels.items() if known == label]
        perform("conform", self.contract.id, batch)
        self.silver.conform({label: self.silver.judged[label]})

    def rebuild(self) -> None:
        """Drop the conformed table, and owe every batch to it again."""
        if table_of(self.contract).uri.startswith("file:"):
            shutil.rmtree(table_of(self.contract).local_path, ignore_errors=True)
        with session_scope() as session:
            reopen_stage(session, list(self.labels), "conform")
        self.waiting = self.silver.judged | self.waiting
        self.silver.states.clear()

    def _run(self, stage: str, options: dict[str, Any], deaths: Sequence[Death]) -> None:
        """Run a stage; where it is to die, run it to each of its deaths before."""
        self.ended[stage] = run_through(stage, self.contract.id, options, deaths, self.deaths)

    def compare(self, step: int) -> None:
        """Hold silver, the rows set aside and the ledger against the model."""
        if not self.silver.judged:
            return
        spark = connect()
        silver = delta.read(spark, table_of(self.contract)).select("code", "_record_key", "name", "_is_deleted")
        rows = silver.collect()
        for code, count in Counter(row["code"] for row in rows).items():
            if count > 1:
                self._differ(_history_of_key(code), step, f"rows of key {code}", 1, count)
        living = {row["code"]: (row["_record_key"], row["name"]) for row in rows if not row["_is_deleted"]}
        self._compare_living(step, living)
        aside = delta.read(spark, set_aside_of(self.contract)).select("_batch_id", "_record_key", "reasons", "_row_id")
        self._compare_aside(step, [row.asDict() for row in aside.collect()])
        self._compare_ledger(step)

    def _compare_living(self, step: int, living: dict[str, tuple[str, str | None]]) -> None:
        expected = self.silver.living()
        for code in sorted(expected.keys() | living.keys()):
            if expected.get(code) != living.get(code):
                what = f"who lives under {code}"
                self._differ(_history_of_key(code), step, what, expected.get(code), living.get(code))

    def _compare_aside(self, step: int, rows: Sequence[dict[str, Any]]) -> None:
        found = Counter((self.labels[r["_batch_id"]], r["_record_key"], tuple(sorted(r["reasons"]))) for r in rows)
        self._compare_counts(step, "rows set aside", self.silver.set_aside(), found)
        closed = set()
        if delta.exists(connect(), closed_of(self.contract)):
            columns = ("_aside_batch_id", "_row_id", "_record_key")
            frame = delta.read(connect(), closed_of(self.contract)).select(*map(F.col, columns))
            closed = {tuple(row) for row in frame.collect()}
        kept = [r for r in rows if (r["_batch_id"], r["_row_id"], r["_record_key"]) not in closed]
        found_waiting = Counter((self.labels[r["_batch_id"]], r["_record_key"]) for r in kept)
        self._compare_counts(step, "rows that wait", self.silver.waiting(), found_waiting)

    def _compare_counts(self, step: int, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        for place in sorted(expected.keys() | found.keys()):
            if expected[place] != found[place]:
                self._differ(
                    _history(place[1]), step, f"{what}: {' '.join(map(str, place))}", expected[place], found[place]
                )

    def _compare_ledger(self, step: int) -> None:
        with session_scope() as session:
            lines = session.query(LedgerEntry).filter_by(resource=self.contract.id, stage="conform")
            found = {self.labels[e.batch_id]: (e.read, e.accepted, e.set_aside) for e in lines}
        expected = {label: (e.read, e.accepted, e.set_aside) for label, e in self.silver.ledger.items()}
        if found != expected:
            self._differ(-1, step, "ledger", _less(expected, found), _less(found, expected))

    def _differ(self, history: int, step: int, what: str, expected: Any, found: Any) -> None:
        self.differences.append(Difference(history, step, what, expected, found))


class second_runner:  # noqa: N801 - reads as a block
    """Let another process conform a resource while the block runs."""

    def __init__(self, resource: str | None) -> None:
        self.resource = resource
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> None:
        if self.resource:
            command = [sys.executable, "-m", "jobs", "conform", "--resource", self.resource]
            self.process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            _, errors = self.process.communicate(timeout=300)
            if self.process.returncode:
                raise RuntimeError(f"the second runner failed: {errors.decode()[-2000:]}")


def _less(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in one.items() if other.get(key) != value}


def _history(record: str) -> int:
    return int(record) // 10 if record.isdigit() and int(record) >= 10 else -1


def _history_of_key(code: str | None) -> int:
    if code is None:
        return -1
    number = code[1:].split("-")[0]
    return int(number) if number.isdigit() and int(number) else -1


def histories_of(differences: Iterable[Difference]) -> list[int]:
    """Return the histories in which something differs, first those that differ first."""
    return list(dict.fromkeys(d.history for d in sorted(differences, key=lambda d: d.step) if d.history >= 0))
