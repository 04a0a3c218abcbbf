"""Disagreements of sources and their cases (冲突与校核): opened with one, ended by the batch that ends it.

Invariant: whatever the number of disagreements, this process holds a bounded part of them at a time; only what the run
looked at is compared with the open cases, so that a day costs its own changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from catalog.control.compared_cases import COMPARISON, Doubt, end_corrected, raise_compared
from catalog.control.correction_tables import CorrectionCase
from catalog.control.session import session_scope
from catalog.library.masked import masked
from catalog.library.statements import Version, statements_of
from catalog.model.contract import Contract
from catalog.model.correction import CLOSED
from catalog.model.layers import conflict_of
from jobs.reconcile.statements import ids_frame, versions_of
from jobs.reconcile.tables import CONFLICT_COLUMNS
from jobs.reconcile.verification import known_cases
from jobs.runtime import delta
from jobs.runtime.row_hash import row_hash
from jobs.runtime.stage import StageRun

AT_A_TIME = 500
"""Cases raised, or ended, in one transaction."""
ENTITIES_AT_A_TIME = 20_000
"""Entities whose open cases are asked for at once; each time the engine answers three questions about those that ended,
which takes as long for a hundred as for some thousands."""


@dataclass(frozen=True)
class Followed:
    """What one run found out, as far as cases follow from it."""

    library: Contract
    conflicts: DataFrame
    """The disagreements of the entities that the run looked at."""
    entities: DataFrame | None
    """Those entities, also where nobody has them any more: one column ``id``; None when it looked at all."""
    since: int | None
    """Number of the last run on record; None where what was said since cannot be told by it."""
    earlier: int
    """Version of the table of conflicts before this run."""
    stage: StageRun


def write_conflicts(spark: SparkSession, library: Contract, found: DataFrame, keys: DataFrame | None) -> int:
    """Write the disagreements of the touched entities into their table; those that stand as they stood stay.

    Args:
        spark: the session.
        library: the base library.
        found: the disagreements, in the columns of the table.
        keys: the touched entities, one column ``key``; None for all of them.

    Returns:
        The version of the table before.
    """
    table = conflict_of(library)
    earlier = delta.current_version(spark, table)
    if keys is None:
        delta.overwrite(spark, found, table, F.lit(True))
        return earlier
    said = row_hash(*[c for c, _, _ in CONFLICT_COLUMNS if c != "_recorded_at"]).alias("_said")
    stood = delta.read(spark, table, earlier).join(F.broadcast(keys), F.col("entity_key") == F.col("key"), "left_semi")
    stood, stands = stood.select("conflict_key", said), found.select("*", said)
    gone = stood.join(stands, "_said", "left_anti").select(F.col("conflict_key").alias("key"))
    fresh = stands.join(stood, "_said", "left_anti").drop("_said")
    if gone.limit(1).collect():
        delta.delete_keys(spark, gone.distinct(), table, "conflict_key")
    if fresh.limit(1).collect():
        delta.append(spark, fresh, table)
    return earlier


def follow_conflicts(spark: SparkSession, run: Followed) -> None:
    """Raise a case for each disagreement that has none, and end those whose sources agree again."""
    for cases in _open_cases(run):
        _end_agreed(spark, run, cases)
    with session_scope() as session:
        refused = {conflict for _, conflict in known_cases(session, run.library).refused}
    for conflicts in _some_at_a_time(run.conflicts.toLocalIterator(), AT_A_TIME):
        doubts = [_doubt(run.library, c) for c in conflicts if c["conflict_key"] not in refused]
        run.stage.transaction(partial(_raise, run.library.id, doubts))


def _raise(resource: str, doubts: Sequence[Doubt], session: Session) -> None:
    raise_compared(session, resource, doubts)


def _some_at_a_time(rows: Iterable[Row], count: int) -> Iterator[list[Row]]:
    rows = iter(rows)
    while some := list(islice(rows, count)):
        yield some


def _open_cases(run: Followed) -> Iterator[Sequence[CorrectionCase]]:
    """Yield the open cases of the comparison on entities that the run looked at; of others it knows nothing."""
    opened = select(CorrectionCase).where(
        CorrectionCase.resource == run.library.id,
        CorrectionCase.raised_kind == COMPARISON,
        CorrectionCase.state != CLOSED,
    )
    some = opened.order_by(CorrectionCase.number).limit(ENTITIES_AT_A_TIME)
    found = _asked(some.limit(1))
    if not found:
        return
    if run.entities is None:
        last = ""
        while found := _asked(some.where(CorrectionCase.number > last)):
            yield found
            last = found[-1].number
        return
    for rows in _some_at_a_time(run.entities.toLocalIterator(), ENTITIES_AT_A_TIME):
        if found := _asked(opened.where(CorrectionCase.row_key.in_([row["id"] for row in rows]))):
            yield found


def _asked(query: Select[CorrectionCase]) -> Sequence[CorrectionCase]:
    with session_scope() as session:
        return session.scalars(query).all()


def _end_agreed(spark: SparkSession, run: Followed, cases: Sequence[CorrectionCase]) -> None:
    """End those of ``cases`` on whose places no disagreement stands any more."""
    ids = ids_frame(spark, {case.row_key for case in cases})
    places = run.conflicts.select("entity_id", "element", "doubted_department")
    still = places.join(F.broadcast(ids), places["entity_id"] == ids["id"], "left_semi")
    standing = {tuple(row) for row in still.collect()}
    ended = [c for c in cases if (c.row_key, c.column_name, c.doubted_department) not in standing]
    batches = _ended_by(spark, run, ended)
    for first in range(0, len(ended), AT_A_TIME):
        some = {c.number: batches[c.number] for c in ended[first : first + AT_A_TIME]}
        run.stage.transaction(partial(_end, some))


def _end(batches: Mapping[str, str], session: Session) -> None:
    end_corrected(session, batches)


def _ended_by(spark: SparkSession, run: Followed, cases: Sequence[CorrectionCase]) -> dict[str, str]:
    """Return number of the case → the batch that ended its disagreement.

    What this run's own batches said is compared with what stood in the table of conflicts. Where that does not tell,
    as when authority decides otherwise since, all that was ever said of the entity is looked at, which reads the
    statements of the whole library.
    """
    if not cases:
        return {}
    ids = {case.row_key for case in cases}
    found: dict[str, str] = {}
    if run.entities is not None and run.since is not None:
        said, before = versions_of(spark, run.library, ids, run.since), _said_before(spark, run, ids)
        for case in cases:
            turns = _turns(said.get(case.row_key, []), before.get((case.row_key, case.column_name), {}), case)
            if turns:
                found[case.number] = _newest(turns).batch_id
    untold = [case for case in cases if case.number not in found]
    versions = versions_of(spark, run.library, {case.row_key for case in untold})
    for case in untold:
        own = versions[case.row_key]
        turns = [statement.first for statement in statements_of(own, case.column_name)]
        found[case.number] = _newest([*turns, *(v for v in own if v.is_withdrawn)]).batch_id
    return found


def _said_before(spark: SparkSession, run: Followed, ids: set[str]) -> dict[tuple[str, str], dict[str, str]]:
    """Return entity and element → what each source of a disagreement said when the last run looked."""
    wanted = ids_frame(spark, ids)
    rows = delta.read(spark, conflict_of(run.library), run.earlier)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows.join(F.broadcast(wanted), rows["entity_id"] == wanted["id"], "left_semi").collect():
        said = {row["chosen_source"]: row["chosen_value"], row["other_source"]: row["other_value"]}
        found.setdefault((row["entity_id"], row["element"]), {}).update(said)
    return found


def _turns(versions: Sequence[Version], before: Mapping[str, str], case: CorrectionCase) -> list[Version]:
    """Return the versions with which a source of the disagreement said something else, or withdrew."""
    last, turns = dict(before), []
    for version in versions:
        value = version.value(case.column_name)
        if version.is_withdrawn or (version.source in before and value not in (None, last[version.source])):
            turns.append(version)
        if version.source in before and value is not None:
            last[version.source] = value
    return turns


def _newest(versions: Sequence[Version]) -> Version:
    return max(versions, key=lambda v: (v.recorded_at, v.place))


def _doubt(library: Contract, conflict: Row) -> Doubt:
    element = conflict["element"]
    evidence = {
        side: {
            "source": conflict[f"{side}_source"],
            "record_key": conflict[f"{side}_record_key"],
            "value": masked(library, element, conflict[f"{side}_value"]),
        }
        for side in ("chosen", "other")
    }
    return Doubt(
        conflict["entity_id"],
        element,
        library.item(element).element,
        conflict["doubted_department"],
        conflict["conflict_key"],
        evidence,
    )
