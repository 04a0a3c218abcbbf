"""Linking of a base library (记录关联作业): what is new in silver is linked against what is known, never all anew."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession
from sqlalchemy.orm import Session

from catalog.control.identities import assignments_of, merge_entities, redirects_of
from catalog.control.positions import get_position, set_position
from catalog.control.reviews import decided_pairs, queue_pairs
from catalog.control.session import session_scope
from catalog.model.contract import Contract
from catalog.model.entity_ids import entity_id_of
from catalog.model.keyless import is_keyless
from catalog.model.layers import identity_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.reconcile.linking import library as kept
from jobs.reconcile.linking.engine import DuckDBEngine, Engine, SparkEngine
from jobs.reconcile.linking.evaluation import national_keys
from jobs.reconcile.linking.features import RECORD_ID, extract_features
from jobs.reconcile.linking.keyed import keep_keyed
from jobs.reconcile.linking.model import LinkageModel, load_model
from jobs.reconcile.linking.queue import candidates
from jobs.reconcile.linking.resolution import Decisions, Known, Resolution, resolve
from jobs.runtime import delta
from jobs.runtime.spark import connect
from jobs.runtime.stage import stage_run

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
    now: dict[str, int]
    """Input → the version read."""
    has_news: bool
    """Whether any input changed since the last run."""


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
        _keep(spark, contract, model, work, found)
        keep_keyed(spark, contract, work.now, run)
        if work.has_news or len(work.new):
            label = _label(work.now) if work.has_news else f"{_label(work.now)}-{str(run.run_id)[:8]}"
            run.ledger(identity_of(contract).name, label, read=len(work.new), accepted=len(found.identities))
        run.say(f"{len(found.for_review):,} pair(s) for persons, compared by {engine.name}")
        return found


def link_waiting(resource: str, batch: str | None = None) -> None:
    """Link all that waits, as a stage of the library: see :func:`link`."""
    del batch
    link(resource)


def _work(spark: SparkSession, contract: Contract, model: LinkageModel) -> Work:
    """Return what changed since the last run, and what it may concern."""
    with session_scope() as session:
        decisions = _decisions(session, contract.id)
        before = _positions(spark, session, contract)
    now = {s.id: delta.current_version(spark, table_of(s)) for s in _inputs(contract) if s.id in before}
    changed = [
        record
        for source in _inputs(contract)
        if source.id in now and before[source.id] != now[source.id]
        for record in kept.changed_records(spark, source, model, before[source.id], now[source.id])
    ]
    fresh = extract_features(model.features, changed)
    seen = set(fresh[RECORD_ID].to_pylist())
    decided = {record for pair in decisions.pairs for record in pair} | set(decisions.assignments)
    standing = kept.identities_of(spark, contract, decided | seen)
    reopened = _reopened(standing, decisions)
    again = kept.features_of_records(spark, contract, model, reopened - seen)
    new = pa.concat_tables([_unsettled(contract.id, fresh, standing, reopened, decisions), again])
    return Work(fresh, new, kept.known_around(spark, contract, model, new, decided), decisions, now, before != now)


def _keep(spark: SparkSession, contract: Contract, model: LinkageModel, work: Work, found: Resolution) -> None:
    """Write what was found; a try that is cut short is done again from the same positions."""
    kept.write_features(spark, contract, work.fresh)
    with session_scope() as session:
        for gone, stays in sorted(found.joined.items()):
            merge_entities(session, contract.id, stays, [gone], by=model.name, note="记录关联")
        pairs = candidates(model, found.for_review, work.new, work.known.features)
        queue_pairs(session, contract.id, model.name, pairs)
        redirects = redirects_of(session, contract.id)
    kept.write_identities(spark, contract, found.identities, redirects)
    kept.write_redirects(spark, contract, redirects)
    with session_scope() as session:
        for source in _inputs(contract):
            if source.id in work.now:
                set_position(session, f"{STAGE}.{contract.id}", table_of(source).name, str(work.now[source.id]))


def _label(now: dict[str, int]) -> str:
    return "-".join(f"{resource.split('.')[1]}.{version}" for resource, version in now.items())


def _inputs(contract: Contract) -> list[Contract]:
    """Return the inputs whose records are persons or entities, not what another says of them, and the keyless ones."""
    reconcile = contract.government.reconcile
    members = (reconcile.members or reconcile.inputs) if reconcile else []
    inputs = [get_registry().get(resource) for resource in (reconcile.inputs if reconcile else [])]
    return [source for source in inputs if source.id in members or is_keyless(contract, source)]


def _decisions(session: Session, library: str) -> Decisions:
    return Decisions(decided_pairs(session, library), assignments_of(session, library), redirects_of(session, library))


def _positions(spark: SparkSession, session: Session, contract: Contract) -> dict[str, int | None]:
    """Return input → the version linked up to, for the inputs that have been conformed."""
    found: dict[str, int | None] = {}
    is_first_time = delta.current_version(spark, identity_of(contract)) == 0
    for source in _inputs(contract):
        if delta.exists(spark, table_of(source)):
            consumed = get_position(session, f"{STAGE}.{contract.id}", table_of(source).name)
            position = None if is_first_time else consumed
            found[source.id] = None if position is None else int(position)
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
