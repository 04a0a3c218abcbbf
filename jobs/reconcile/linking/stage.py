"""Linking of a base library (记录关联作业): what is new in silver is linked against what is known, never all anew."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession
from sqlalchemy.orm import Session

from catalog.control.identities import assignments_of, merge_entities, redirects_of
from catalog.control.positions import get_table_position, set_table_position
from catalog.control.reviews import decided_pairs, queue_pairs
from catalog.control.session import session_scope
from catalog.model.contract import Contract
from catalog.model.entity_ids import entity_id_of
from catalog.model.keyless import is_keyless
from catalog.model.layers import Table, identity_of, linkage_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.reconcile.affected import InputVersion, is_there
from jobs.reconcile.linking import library as kept
from jobs.reconcile.linking.engine import DuckDBEngine, Engine, SparkEngine
from jobs.reconcile.linking.evaluation import national_keys
from jobs.reconcile.linking.features import RECORD_ID, extract_features
from jobs.reconcile.linking.keyed import keep_keyed
from jobs.reconcile.linking.model import LinkageModel, load_model
from jobs.reconcile.linking.queue import candidates
from jobs.reconcile.linking.resolution import Decisions, Known, Resolution, resolve
from jobs.reconcile.memory import is_lost, label_of
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.table_state import pin

STAGE = "link"


@dataclass(frozen=True)
class Work:
    """What one run has to do."""

    fresh: pa.Table
    """Features of the records that changed."""
    new: pa.Table
    """Features of those whose entity is to be found."""
    known: Known
    decisions: Decisions
    inputs: list[InputVersion]
    """The inputs that exist, with the versions linked up to and read."""

    @property
    def has_news(self) -> bool:
        """Whether any input changed since the last run."""
        return any(version.is_news for version in self.inputs)

    @property
    def label(self) -> str:
        """The ledger's batch id: which versions of the inputs were linked."""
        names = "-".join(version.contract.name for version in self.inputs)
        return f"{names}-{label_of(version.now for version in self.inputs)}"


def link(library: str, version: int | None = None) -> Resolution:
    """Link the source records of a base library that are new, or about which persons decided otherwise.

    Grain:      one row per source record.
    Key:        record_id, ``<resource>|<record key>``.
    Reads:      the silver inputs of the library, changed rows only; decisions, redirects, assignments.
    Writes:     base.identity__<library>, base.redirect__<library>, ops.linkage__<library>; the review queue;
                of inputs without the key ops.keyed__<library>__<input> and ops.waiting__<library>__<input>.
    Sets aside: records of such inputs whose entity has no national key, or for which another record speaks.
    Oddities:   a record keeps its entity when it changes, unless its valid key has become another.

    Args:
        library: base resource with a trained model.
        version: of the model; default the newest.
    """
    contract, model = get_registry().get(library), load_model(library, version)
    with stage_run(STAGE, library) as run:
        spark = connect()
        kept.ensure_tables(spark, contract, model)
        work = _work(spark, contract, model)
        run.say(f"{len(work.fresh):,} new or changed record(s), {len(work.new):,} to link")
        engine: Engine[pa.Table] = DuckDBEngine()
        if len(work.new) + len(work.known.features) > get_settings().link_rows:
            engine = SparkEngine(spark)
        secret = get_settings().require("identity_key")
        found = resolve(model, work.new, work.known, work.decisions, secret, engine)
        _keep(spark, contract, model, work, found, run)
        keep_keyed(spark, contract, work.inputs, run)
        if work.has_news or len(work.new):
            label = work.label if work.has_news else f"{work.label}-{str(run.run_id)[:8]}"
            run.ledger(identity_of(contract).name, label, read=len(work.new), accepted=len(found.identities))
        run.say(f"{len(found.for_review):,} pair(s) for persons, compared by {engine.name}")
        return found


def link_waiting(resource: str, batch: str | None = None) -> None:
    """Link all that waits, as a stage of the library: see :func:`link`."""
    del batch
    link(resource)


def _work(spark: SparkSession, contract: Contract, model: LinkageModel) -> Work:
    """Return what changed since the last run, and what it may concern."""
    inputs = _input_versions(spark, contract)
    with session_scope() as session:
        decisions = _decisions(session, contract.id)
    changed = [record for version in inputs for record in kept.changed_records(spark, version, model)]
    fresh = extract_features(model.features, changed)
    seen = set(fresh[RECORD_ID].to_pylist())
    decided = {record for pair in decisions.pairs for record in pair} | set(decisions.assignments)
    standing = kept.identities_of(spark, contract, decided | seen)
    reopened = _reopened(standing, decisions)
    again = kept.features_of_records(spark, contract, model, reopened - seen)
    new = pa.concat_tables([_unsettled(contract.id, fresh, standing, reopened, decisions), again])
    return Work(fresh, new, kept.known_around(spark, contract, model, new, decided), decisions, inputs)


def _keep(
    spark: SparkSession, contract: Contract, model: LinkageModel, work: Work, found: Resolution, run: StageRun
) -> None:
    """Write what was found; a try that is cut short is done again from the same positions."""
    kept.write_features(spark, contract, work.fresh)
    pairs = candidates(model, found.for_review, work.new, work.known.features)

    def decide(session: Session) -> dict[str, str]:
        for gone, stays in sorted(found.joined.items()):
            merge_entities(session, contract.id, stays, [gone], by=model.name, note="记录关联")
        queue_pairs(session, contract.id, model.name, pairs)
        return redirects_of(session, contract.id)

    redirects = run.transaction(decide)
    kept.write_identities(spark, contract, found.identities, redirects)
    kept.write_redirects(spark, contract, redirects)
    outputs = {table.name: pin(spark, table) for table in _remembered(contract)}
    positions = {version.table.name: version.now for version in work.inputs} | outputs

    def record(session: Session) -> None:
        for name, version in positions.items():
            set_table_position(session, _consumer(contract), name, version)

    run.transaction(record)


def _consumer(contract: Contract) -> str:
    return f"{STAGE}.{contract.id}"


def _remembered(contract: Contract) -> list[Table]:
    """Return the tables without which linking knows nothing of the records that it has linked."""
    return [identity_of(contract), linkage_of(contract)]


def _inputs(contract: Contract) -> list[Contract]:
    """Return the inputs whose records are persons or entities, not what another says of them, and the keyless ones."""
    reconcile = contract.government.reconcile
    members = (reconcile.members or reconcile.inputs) if reconcile else []
    inputs = [get_registry().get(resource) for resource in (reconcile.inputs if reconcile else [])]
    return [source for source in inputs if source.id in members or is_keyless(contract, source)]


def _decisions(session: Session, library: str) -> Decisions:
    return Decisions(decided_pairs(session, library), assignments_of(session, library), redirects_of(session, library))


def _input_versions(spark: SparkSession, contract: Contract) -> list[InputVersion]:
    """Return the inputs that have been conformed; where linking's own tables were lost, as never linked before.

    Raises:
        InputAwayError: one that was linked before is not there.
    """
    tables, consumer = {source.id: table_of(source) for source in _inputs(contract)}, _consumer(contract)
    names = [table.name for table in (*tables.values(), *_remembered(contract))]
    with session_scope() as session:
        known = {name: get_table_position(session, consumer, name) for name in names}
    is_anew = any(is_lost(spark, table, known[table.name]) for table in _remembered(contract))
    found = []
    for source in _inputs(contract):
        table = tables[source.id]
        if is_there(spark, table, consumer, known[table.name]):
            before = None if is_anew else known[table.name]
            found.append(InputVersion(source, table, before, pin(spark, table)))
    return found


def _reopened(standing: dict[str, str], decisions: Decisions) -> set[str]:
    """Return the records whose entity is not what persons have decided."""
    entity = {record: decisions.redirects.get(found, found) for record, found in standing.items()}
    onward = decisions.redirects
    wanted = {record: onward.get(to, to) for record, to in decisions.assignments.items()}
    reopened = {record for record, to in wanted.items() if entity.get(record, to) != to}
    for (left, right), verdict in decisions.pairs.items():
        if left in entity and right in entity and (entity[left] == entity[right]) != (verdict == "link"):
            reopened.add(left)
    return reopened


def _unsettled(
    library: str, fresh: pa.Table, standing: dict[str, str], reopened: set[str], decisions: Decisions
) -> pa.Table:
    """Return the records that have no entity yet, were reopened, or have a valid key that is not their entity's."""
    secret, keys = get_settings().require("identity_key"), national_keys(fresh)

    def is_settled(record: str) -> bool:
        if record not in standing or record in reopened:
            return False
        if record not in keys or record in decisions.assignments or decisions.parts(record, keys):
            return True
        entity = decisions.redirects.get(standing[record], standing[record])
        of_key = entity_id_of(library, keys[record], secret)
        return entity == decisions.redirects.get(of_key, of_key)

    return fresh.filter(pa.array([not is_settled(record) for record in fresh[RECORD_ID].to_pylist()], pa.bool_()))
