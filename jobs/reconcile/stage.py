"""The reconcile stage (多源校核作业): what changed in silver, brought into one base library."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.session import session_scope
from catalog.model.authority import get_authority, reconcile_of
from catalog.model.contract import Contract, Reconcile
from catalog.model.errors import GuantongError
from catalog.model.layers import conflict_of, statement_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.reconcile import affected, own_logic
from jobs.reconcile.disagreements import Followed, follow_conflicts, write_conflicts
from jobs.reconcile.entities import assemble
from jobs.reconcile.identity import entity_id
from jobs.reconcile.memory import (
    Begun,
    Memory,
    label_of,
    lost_outputs,
    note_begun,
    note_ended,
    recall,
    versions_now,
)
from jobs.reconcile.rules import rules_digest
from jobs.reconcile.statements import STATEMENT_COLUMNS, Taking, carried, write_statements
from jobs.reconcile.tables import CONFLICT_COLUMNS, base_columns
from jobs.reconcile.verification import close_mended, has_waiting, known_cases, moved_since
from jobs.runtime import delta
from jobs.runtime.row_hash import row_hash
from jobs.runtime.spark import COMPILING_SCANS_PAYS, connect, few_rows
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.staging import staged
from jobs.runtime.volume import expect_batch

STAGE = "reconcile"
CHANGED = "NOT (s._row_hash <=> t._row_hash)"
"""Condition under which an entity's row is written again."""


@dataclass(frozen=True)
class Work:
    """What one run has to do."""

    contract: Contract
    reconcile: Reconcile
    versions: list[affected.InputVersion]
    business_date: date
    keys: DataFrame | None
    """Touched entity keys; None means all of them."""
    doubted: list[str]
    """Entities on which people moved a case since the last run."""
    taking: Taking
    """How statements are taken down."""
    standing: int
    """Rows that the sources brought so far."""
    touched: int
    """Entities that the run looks at, at most."""

    @property
    def inputs(self) -> list[affected.InputVersion]:
        """The silver inputs, without the targets of links."""
        return [v for v in self.versions if v.contract.id in self.reconcile.inputs]

    @property
    def since(self) -> int | None:
        """Number of the last run, where only what was said after it can matter."""
        return self.taking.recorded if self.keys is not None else None

    @property
    def label(self) -> str:
        """The ledger's batch id: which versions of the inputs were brought together."""
        return f"{self.contract.name}-{label_of(v.now for v in self.versions)}-{self.business_date:%Y%m%d}"


class NothingToReconcileError(GuantongError):
    """No input of a base library has ever been conformed."""

    code = "INPUTS_MISSING"


def reconcile(resource: str, batch: str | None = None) -> None:
    """Bring what changed in the silver inputs into a base library.

    Grain:      one row per person, legal entity or licence; entities gone from every source stay as tombstones.
    Key:        the national key; the entity id follows from it and never changes.
    Reads:      the contract's silver inputs, at pinned versions; only entities their change feeds name.
    Writes:     ``base.<domain>__<entity>``, and its ``ops.conflict__`` and ``ops.statement__`` tables.
    Sets aside: rows of entities that no input entitled to it has established.
    """
    del batch
    contract, registry, day = get_registry().get(resource), get_registry(), get_settings().business_date
    with stage_run(STAGE, resource) as run:
        spark, began = connect(), utc_now()
        standing = expect_batch(spark, contract)
        versions = affected.input_versions(spark, contract, registry)
        spec, rules = _spec(contract, versions), rules_digest(contract, registry, get_authority().of(contract), day)
        with session_scope() as session:
            memory = recall(session, contract)
            doubted = moved_since(session, contract, memory.looked) if memory.looked else []
        _ensure_tables(spark, contract)
        lost = lost_outputs(spark, contract, memory)
        is_whole = bool(lost) or memory.must_look_at_all(day, rules) or any(v.since is None for v in versions)
        has_news = any(v.is_news for v in versions) or bool(doubted) or memory.cut_short is not None
        if not is_whole and not has_news and memory.day == day:
            run.say("no input has changed since the last run")
            return
        begun = Begun(day.isoformat(), rules, is_whole)
        run.transaction(lambda session: note_begun(session, contract, begun))
        taking = _taking(spark, contract, versions, run, memory, begun, lost)
        work = Work(contract, spec, versions, day, None, doubted, taking, standing, standing)
        _work_off(spark, work, None if is_whole else memory.day, run)
        outputs = versions_now(spark, contract)

        def record(session: Session) -> None:
            affected.consume(session, contract, versions)
            note_ended(session, contract, begun, began, run.lease.fence, outputs)

        run.transaction(record)


def _ensure_tables(spark: SparkSession, contract: Contract) -> None:
    delta.ensure(spark, table_of(contract), base_columns(contract))
    delta.ensure(spark, conflict_of(contract), CONFLICT_COLUMNS)
    delta.ensure(spark, statement_of(contract), STATEMENT_COLUMNS, shared=True)


def _taking(
    spark: SparkSession,
    contract: Contract,
    versions: list[affected.InputVersion],
    run: StageRun,
    memory: Memory,
    begun: Begun,
    lost: set[str],
) -> Taking:
    """Return how the run takes down what the inputs say."""
    inputs = [v for v in versions if v.contract.id in reconcile_of(contract).inputs]
    keys = own_logic.record_keys(spark, contract, inputs)
    compares = memory.has_other_rules(begun.rules) or statement_of(contract).name in lost or keys is not None
    is_after_try = memory.cut_short is not None
    day = date.fromisoformat(begun.day)
    return Taking(contract, day, run.lease.fence, memory.sequence, is_after_try, compares, keys)


def _work_off(spark: SparkSession, work: Work, previous: date | None, run: StageRun) -> None:
    """Take down the statements, and beside that bring the entities together.

    Args:
        spark: the session.
        work: what to do.
        previous: the business date of the last run; None when every entity is looked at, as it is in libraries whose
            own logic gives the keys.
        run: the run.
    """
    with ThreadPoolExecutor(1) as beside:
        statements = beside.submit(write_statements, spark, work.taking, work.inputs)
        if previous is None or work.taking.keys is not None:
            _bring_together(spark, work, run, statements)
            return
        with staged(spark, _touched(spark, work, previous), run, "keys") as keys:
            _bring_together(spark, replace(work, keys=keys, touched=keys.count()), run, statements)


def _spec(contract: Contract, versions: list[affected.InputVersion]) -> Reconcile:
    """Return the contract's reconcile block, once at least one input exists."""
    spec = contract.government.reconcile
    if spec is None or not any(v.contract.id in spec.inputs for v in versions):
        raise NothingToReconcileError(
            f"none of the inputs of {contract.id} has been conformed",
            remedy="run extract and conform for its silver resources first",
        )
    return spec


def _touched(spark: SparkSession, work: Work, previous: date) -> DataFrame:
    """Return the keys that changed by data, by the calendar alone, or because people doubt them."""
    keys = affected.affected_keys(spark, work.versions, work.reconcile)
    turned = own_logic.turned_between(work.contract, previous, work.business_date)
    doubted = F.col(work.reconcile.entity_id).isin(work.doubted) if work.doubted else None
    more = [condition for condition in (turned, doubted) if condition is not None]
    if not more:
        return keys
    rows = delta.read(spark, table_of(work.contract)).where(~F.col("_is_deleted")).where(reduce(or_, more))
    return keys.unionByName(rows.select(F.col(work.reconcile.key).alias("key"))).distinct()


def _bring_together(spark: SparkSession, work: Work, run: StageRun, statements: Future[None]) -> None:
    """Write the entities, their disagreements and their cases; the statements, which end doubts, are written beside."""
    if has_waiting(work.contract):
        statements.result()
        close_mended(spark, work.contract, run, work.since, work.doubted)
    run.say(f"{len(work.inputs)} input(s), {'every entity' if work.keys is None else 'changed entities only'}")
    with staged(spark, _entities(spark, work), run, "entities") as entities:
        established = entities.where("_established")
        with few_rows(spark, work.touched):
            counts = entities.groupBy("_established").agg(F.sum("_input_rows").alias("rows")).collect()
        rows = {row["_established"]: int(row["rows"]) for row in counts}
        _write_base(spark, established, work, run)
        statements.result()
        with few_rows(spark, work.touched):
            _settle(spark, _conflicts(established, work.reconcile), work, run)
    accepted, aside = rows.get(True, 0), rows.get(False, 0)
    run.ledger(table_of(work.contract).name, work.label, read=accepted + aside, accepted=accepted, set_aside=aside)


def _settle(spark: SparkSession, conflicts: DataFrame, work: Work, run: StageRun) -> None:
    """Write the disagreements, and let cases follow them."""
    earlier = write_conflicts(spark, work.contract, conflicts, work.keys)
    looked_at = None if work.keys is None else work.keys.select(entity_id(work.contract.id, F.col("key")).alias("id"))
    follow_conflicts(spark, Followed(work.contract, conflicts, looked_at, work.since, earlier, run))


def _input_rows(spark: SparkSession, version: affected.InputVersion, work: Work) -> DataFrame:
    """Return the living rows of one input for the touched entities."""
    rows = delta.read(spark, version.table, version.now.version).where(~F.col("_is_deleted"))
    rows = own_logic.with_key(rows, version.contract, work.taking.keys)
    if work.keys is not None:
        rows = rows.join(F.broadcast(work.keys), rows[work.reconcile.key] == work.keys["key"], "left_semi")
    said = carried(work.contract, version.contract)
    return rows.select(work.reconcile.key, *said, "_record_key", "_batch_id", "_flags")


def _entities(spark: SparkSession, work: Work) -> DataFrame:
    """Return one row per touched entity, as of the pinned versions of the inputs."""
    inputs = [(v.contract, _input_rows(spark, v, work)) for v in work.inputs]
    targets = {v.contract.id: v.now.version for v in work.versions}
    with session_scope() as session:
        cases = known_cases(session, work.contract)
    return assemble(spark, work.contract, inputs, work.business_date, targets, cases)


def _write_base(spark: SparkSession, entities: DataFrame, work: Work, run: StageRun) -> None:
    """Merge the entities; touched entities that no source has any more become tombstones."""
    contract, table = work.contract, table_of(work.contract)
    columns = [c[0] for c in base_columns(contract)]
    rows = _hashed(entities, contract).withColumn("_recorded_at", F.current_timestamp()).select(*columns)
    if delta.current_version(spark, table) == 0:
        delta.fill(spark, rows, table, contract.key)
        return
    if work.keys is not None and work.standing >= COMPILING_SCANS_PAYS:
        _write_changed(spark, rows, work, work.keys, run)
        return
    present = delta.read(spark, table)
    if work.keys is not None:
        present = present.join(F.broadcast(work.keys), present[work.reconcile.key] == work.keys["key"], "left_semi")
    gone = present.where(~F.col("_is_deleted")).join(rows.select(*contract.key), contract.key, "left_anti")
    merged = rows.unionByName(_tombstones(gone, contract).select(*columns))
    delta.merge(spark, merged, table, contract.key, update_when=CHANGED)


def _write_changed(spark: SparkSession, rows: DataFrame, work: Work, keys: DataFrame, run: StageRun) -> None:
    """Merge what differs from a large library.

    A merge that may insert sorts the whole library by key, and each merge looks through it three times. So the touched
    entities are looked up first, by the three columns that tell whether they differ; what is as it was goes no further.
    """
    contract, table = work.contract, table_of(work.contract)
    version = delta.current_version(spark, table)
    known = delta.read(spark, table, version).select(*contract.key, "_row_hash", "_is_deleted")
    known = known.join(F.broadcast(keys), known[work.reconcile.key] == keys["key"], "left_semi")
    with staged(spark, known, run, "present") as present:
        before = present.select(*contract.key, F.col("_row_hash").alias("_was"))
        differing = rows.join(before, contract.key, "left").where("NOT (_was <=> _row_hash)")
        merged = differing.select(*rows.columns)
        gone = present.where(~F.col("_is_deleted")).join(rows, contract.key, "left_anti").select(*contract.key)
        with few_rows(spark, work.touched):
            is_any_gone = bool(gone.limit(1).collect())
        if is_any_gone:
            lost = delta.read(spark, table, version).join(F.broadcast(gone), contract.key, "left_semi")
            merged = merged.unionByName(_tombstones(lost, contract).select(*rows.columns))
        known = present.select(*contract.key)
        delta.bring(spark, merged, table, contract.key, present=known, update_when=CHANGED, rows=work.touched)


def _hashed(rows: DataFrame, contract: Contract) -> DataFrame:
    """Return rows with the hash of all that says something, which neither batches nor records of sources do."""
    decided_by = F.expr("transform(map_values(_provenance), origin -> substring_index(origin, '|', 1))")
    said = [*contract.columns, "_flags", "_in_verification", "_is_deleted", decided_by]
    return rows.withColumn("_row_hash", row_hash(*said))


def _tombstones(gone: DataFrame, contract: Contract) -> DataFrame:
    """Return rows of the library as deleted."""
    rows = gone.withColumn("_is_deleted", F.lit(True)).withColumn("_recorded_at", F.current_timestamp())
    return _hashed(rows.withColumn("_in_verification", F.array().cast("array<string>")), contract)


def _conflicts(entities: DataFrame, spec: Reconcile) -> DataFrame:
    """Return the disagreements of the entities, in the columns of their table."""
    found = entities.where(F.size("_conflicts") > 0).select(
        F.col(spec.key).alias("entity_key"), F.col(spec.entity_id).alias("entity_id"), F.inline("_conflicts")
    )
    return found.withColumn("_recorded_at", F.current_timestamp()).select(*[c[0] for c in CONFLICT_COLUMNS])
