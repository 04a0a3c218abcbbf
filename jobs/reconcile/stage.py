"""The reconcile stage (多源校核作业): what changed in silver, brought into one base library."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.base import utc_now
from catalog.control.positions import get_position, set_position
from catalog.control.session import session_scope
from catalog.model.authority import get_authority
from catalog.model.contract import Contract, Reconcile
from catalog.model.errors import GuantongError
from catalog.model.layers import conflict_of, statement_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.reconcile import affected, own_logic
from jobs.reconcile.disagreements import Followed, follow_conflicts, write_conflicts
from jobs.reconcile.entities import assemble
from jobs.reconcile.identity import entity_id
from jobs.reconcile.statements import STATEMENT_COLUMNS, carried, write_statements
from jobs.reconcile.tables import CONFLICT_COLUMNS, base_columns
from jobs.reconcile.verification import close_mended, has_waiting, known_cases, moved_since
from jobs.runtime import delta
from jobs.runtime.spark import COMPILING_SCANS_PAYS, connect, few_rows
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.staging import staged
from jobs.runtime.volume import expect_batch

STAGE = "reconcile"
CALENDAR = "calendar"
"""Name of the position that remembers the business date of the last run."""
AUTHORITY = "authority"
"""Name of the position that remembers by which rules the last run decided."""
CHANGED = "s._row_hash <> t._row_hash"
"""Condition under which an entity's row is written again."""
CASES = "cases"
"""Name of the position that remembers when the last run looked at the correction cases."""


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
    standing: int
    """Rows that the sources brought so far."""
    touched: int
    """Entities that the run looks at, at most."""
    record_keys: DataFrame | None
    """Keys of records whose sources do not carry them; such a library is small, and always built whole."""

    @property
    def inputs(self) -> list[affected.InputVersion]:
        """The silver inputs, without the targets of links."""
        return [v for v in self.versions if v.contract.id in self.reconcile.inputs]

    @property
    def label(self) -> str:
        """The ledger's batch id: which versions of the inputs were brought together."""
        return f"{self.contract.name}-" + ".".join(str(v.now) for v in self.versions) + f"-{self.business_date:%Y%m%d}"


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
    contract, registry = get_registry().get(resource), get_registry()
    with stage_run(STAGE, resource) as run:
        spark = connect()
        standing = expect_batch(spark, contract)
        with session_scope() as session:
            versions = affected.input_versions(spark, session, contract, registry)
            calendar = get_position(session, resource, CALENDAR)
            decided_by = get_position(session, resource, AUTHORITY)
            looked = get_position(session, resource, CASES)
            doubted = moved_since(session, contract, datetime.fromisoformat(looked)) if looked else []
        rules = get_authority().of(contract).digest(get_settings().business_date)
        previous = date.fromisoformat(calendar) if calendar else None
        spec = _spec(contract, versions)
        delta.ensure(spark, table_of(contract), base_columns(contract))
        delta.ensure(spark, conflict_of(contract), CONFLICT_COLUMNS)
        delta.ensure(spark, statement_of(contract), STATEMENT_COLUMNS, shared=True)
        whole = affected.is_first_time(versions, spec) or previous is None or decided_by != rules
        has_news = affected.has_news(versions) or bool(doubted)
        if not whole and not has_news and previous == get_settings().business_date:
            run.say("no input has changed since the last run")
            return
        began = utc_now()
        inputs = [version for version in versions if version.contract.id in spec.inputs]
        record_keys = own_logic.record_keys(spark, contract, inputs)
        whole = whole or record_keys is not None
        day = get_settings().business_date
        work = Work(contract, spec, versions, day, None, doubted, standing, standing, record_keys)
        with ThreadPoolExecutor(1) as beside:
            keyed = work.record_keys
            statements = beside.submit(write_statements, spark, contract, work.inputs, work.business_date, keyed)
            if whole or previous is None:
                _bring_together(spark, work, run, statements)
            else:
                with staged(spark, _touched(spark, work, previous), run, "keys") as keys:
                    _bring_together(spark, replace(work, keys=keys, touched=keys.count()), run, statements)
        with session_scope() as session:
            affected.consume(session, contract, versions)
            set_position(session, resource, CALENDAR, work.business_date.isoformat())
            set_position(session, resource, AUTHORITY, rules)
            set_position(session, resource, CASES, began.isoformat())


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
        close_mended(spark, work.contract, work.inputs if work.keys is not None else (), work.doubted)
    run.say(f"{len(work.inputs)} input(s), {'every entity' if work.keys is None else 'changed entities only'}")
    with staged(spark, _entities(spark, work), run, "entities") as entities:
        established = entities.where("_established")
        with few_rows(spark, work.touched):
            counts = entities.groupBy("_established").agg(F.sum("_input_rows").alias("rows")).collect()
        rows = {row["_established"]: int(row["rows"]) for row in counts}
        _write_base(spark, established, work, run)
        statements.result()
        with few_rows(spark, work.touched):
            _settle(spark, _conflicts(established, work.reconcile), work)
    accepted, aside = rows.get(True, 0), rows.get(False, 0)
    run.ledger(table_of(work.contract).name, work.label, read=accepted + aside, accepted=accepted, set_aside=aside)


def _settle(spark: SparkSession, conflicts: DataFrame, work: Work) -> None:
    """Write the disagreements, and let cases follow them."""
    earlier = write_conflicts(spark, work.contract, conflicts, work.keys)
    looked_at = None if work.keys is None else work.keys.select(entity_id(work.contract.id, F.col("key")).alias("id"))
    follow_conflicts(spark, Followed(work.contract, conflicts, looked_at, work.inputs, earlier))


def _input_rows(spark: SparkSession, version: affected.InputVersion, work: Work) -> DataFrame:
    """Return the living rows of one input for the touched entities."""
    rows = delta.read(spark, version.table, version.now).where(~F.col("_is_deleted"))
    rows = own_logic.with_key(rows, version.contract, work.record_keys)
    if work.keys is not None:
        rows = rows.join(F.broadcast(work.keys), rows[work.reconcile.key] == work.keys["key"], "left_semi")
    said = carried(work.contract, version.contract)
    return rows.select(work.reconcile.key, *said, "_record_key", "_batch_id", "_flags")


def _entities(spark: SparkSession, work: Work) -> DataFrame:
    """Return one row per touched entity, as of the pinned versions of the inputs."""
    inputs = [(v.contract, _input_rows(spark, v, work)) for v in work.inputs]
    targets = {v.contract.id: v.now for v in work.versions}
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
        differing = rows.join(before, contract.key, "left").where("_was IS NULL OR _was <> _row_hash")
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
    return rows.withColumn("_row_hash", F.xxhash64(*said))


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
