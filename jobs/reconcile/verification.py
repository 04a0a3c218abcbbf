"""Correction cases (数据校核) of a base library: opened by disagreeing sources, closed by the batch that mends one.

Invariant: a cell is in verification while a case on it waits for its department, whoever raised it; a value that its
department has confirmed by refusing the correction is not, and the same disagreement is not raised again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from catalog.control.correction_cases import KIND, move, raise_case
from catalog.control.correction_tables import CorrectionCase
from catalog.control.life_tables import LifeEvent
from catalog.control.session import session_scope
from catalog.library.masked import masked
from catalog.library.statements import Version, standing, statements_of
from catalog.model.contract import Contract
from catalog.model.correction import CLOSED, CORRECTED, REFUSED, UNCORRECTED
from catalog.model.layers import statement_of
from catalog.model.registry import get_registry
from catalog.model.state_machine import SYSTEM
from jobs.runtime import delta

COMPARISON = "comparison"
AT_A_TIME = 500
"""Cases raised in one transaction."""


@dataclass(frozen=True)
class Cases:
    """What the control plane knows about doubts on one base library."""

    waiting: list[tuple[str, str]]
    """Entity id and element of doubts that people and systems raised and that wait for their department."""
    refused: list[tuple[str, str]]
    """Entity id and key of conflicts on which the department stood by its value."""


def tables_of(library: Contract) -> list[str]:
    """Return the resources on whose rows doubts about a base library are raised: itself, and what is cut from it."""
    cut = [c.id for c in get_registry().all("gold") if c.government.curate and c.government.curate.input == library.id]
    return [library.id, *cut]


def known_cases(session: Session, library: Contract) -> Cases:
    """Return the doubts that decide what is in verification beside the sources' own disagreement."""
    place = (CorrectionCase.row_key, CorrectionCase.column_name, CorrectionCase.conflict_key)
    concerned = CorrectionCase.resource.in_(tables_of(library))
    waiting = select(*place).where(
        concerned, CorrectionCase.raised_kind != COMPARISON, CorrectionCase.state.in_(UNCORRECTED)
    )
    refused = select(*place).where(concerned, CorrectionCase.conflict_key.is_not(None), _was_refused())
    return Cases(
        [(row, column) for row, column, _ in session.execute(waiting).all()],
        [(row, str(conflict)) for row, _, conflict in session.execute(refused).all()],
    )


def _was_refused() -> ColumnElement[bool]:
    """Return the condition of cases in which the department stood by its value, closed or not."""
    closed = and_(
        CorrectionCase.state == CLOSED, CorrectionCase.answered_at.is_not(None), CorrectionCase.corrected_at.is_(None)
    )
    return or_(CorrectionCase.state == REFUSED, closed)


def moved_since(session: Session, library: Contract, moment: datetime) -> list[str]:
    """Return the entities on which people moved a case after ``moment``: their flags may have to follow."""
    query = (
        select(CorrectionCase.row_key)
        .join(LifeEvent, and_(LifeEvent.kind == KIND, LifeEvent.number == CorrectionCase.number))
        .where(CorrectionCase.resource.in_(tables_of(library)), LifeEvent.at > moment, LifeEvent.by != SYSTEM.name)
    )
    return sorted(set(session.scalars(query)))


def in_verification(spark: SparkSession, entities: DataFrame, entity_id: str, cases: Cases) -> DataFrame:
    """Return ``entities`` with ``_in_verification``: the elements of theirs that are doubted, in order.

    Args:
        spark: the session.
        entities: rows with ``_conflicts``.
        entity_id: their column with the entity id.
        cases: what people raised and departments answered.
    """
    doubted: Column = F.col("_conflicts")
    more: Column = F.array().cast("array<string>")
    if cases.waiting or cases.refused:
        known = [(e, [c], None) for e, c in cases.waiting] + [(e, None, [k]) for e, k in cases.refused]
        frame = spark.createDataFrame(known, "_entity string, _waiting array<string>, _refused array<string>")
        frame = frame.groupBy("_entity").agg(
            F.flatten(F.collect_list("_waiting")).alias("_waiting"),
            F.flatten(F.collect_list("_refused")).alias("_refused"),
        )
        entities = entities.join(F.broadcast(frame), entities[entity_id] == frame["_entity"], "left").drop("_entity")
        doubted = F.expr("filter(_conflicts, c -> NOT array_contains(coalesce(_refused, array()), c.conflict_key))")
        more = F.coalesce(F.col("_waiting"), more)
    elements = F.array_union(F.array_distinct(doubted["element"]), more)
    return entities.withColumn("_in_verification", F.array_sort(elements)).drop("_waiting", "_refused")


def has_waiting(library: Contract) -> bool:
    """Return whether any doubt of people or systems waits for the department whose value it is."""
    with session_scope() as session:
        return session.scalar(_raised_by_people(library).limit(1)) is not None


def _raised_by_people(library: Contract) -> Select[CorrectionCase]:
    return select(CorrectionCase).where(
        CorrectionCase.resource.in_(tables_of(library)),
        CorrectionCase.raised_kind != COMPARISON,
        CorrectionCase.state.in_([*UNCORRECTED, CORRECTED]),
    )


def close_mended(spark: SparkSession, library: Contract) -> None:
    """Close the doubts of people and systems about values that their department has changed since."""
    with session_scope() as session:
        cases = session.scalars(_raised_by_people(library)).all()
        if not cases:
            return
        versions = _versions(spark, library, {case.row_key for case in cases})
        for case in cases:
            said = [v for v in versions.get(case.row_key, []) if _department(v.source) == case.doubted_department]
            then = [v.value(case.column_name) for v in standing(said, recorded_at=case.raised_at).values()]
            now = standing(said)
            if said and then != [v.value(case.column_name) for v in now.values()]:
                newest = max(said, key=lambda v: (v.recorded_at, v.input_version))
                _close(session, case, newest.batch_id)


def follow_conflicts(
    spark: SparkSession, library: Contract, conflicts: Sequence[Row], entities: DataFrame | None
) -> None:
    """Raise a case for each disagreement that has none, and close those whose sources agree again.

    Args:
        spark: the session.
        library: the base library.
        conflicts: the disagreements of the entities that this run looked at.
        entities: those entities, also where nobody has them any more: one column ``id``; None when it looked at all.
    """
    with session_scope() as session:
        query = select(CorrectionCase).where(
            CorrectionCase.resource == library.id, CorrectionCase.raised_kind == COMPARISON
        )
        known = session.scalars(query.where(or_(CorrectionCase.state != CLOSED, _was_refused()))).all()
        places = {(c.row_key, c.column_name, c.doubted_department) for c in known if c.state != CLOSED}
        refused = {c.conflict_key for c in known if c.state in (REFUSED, CLOSED)}
        standing_now = {(c["entity_id"], c["element"], c["doubted_department"]) for c in conflicts}
        opened = [c for c in known if c.state != CLOSED]
        agreed = [c for c in opened if (c.row_key, c.column_name, c.doubted_department) not in standing_now]
        ended = _looked_at(spark, agreed, entities)
        versions = _versions(spark, library, {case.row_key for case in ended})
        for case in ended:
            _close(session, case, _ended_by(versions[case.row_key], case.column_name))
    fresh = [
        c
        for c in conflicts
        if (c["entity_id"], c["element"], c["doubted_department"]) not in places and c["conflict_key"] not in refused
    ]
    for first in range(0, len(fresh), AT_A_TIME):
        _raise_all(library, fresh[first : first + AT_A_TIME])


def _ended_by(versions: Sequence[Version], element: str) -> str:
    """Return the batch that last brought another value of ``element``, or took a record away."""
    turns = [statement.first for statement in statements_of(versions, element)]
    turns += [version for version in versions if version.is_withdrawn]
    return max(turns, key=lambda v: (v.recorded_at, v.input_version)).batch_id


def _raise_all(library: Contract, conflicts: Iterable[Row]) -> None:
    with session_scope() as session:
        for conflict in conflicts:
            element = conflict["element"]
            raise_case(
                session,
                resource=library.id,
                row_key=conflict["entity_id"],
                column=element,
                element=library.item(element).element,
                doubted_department=conflict["doubted_department"],
                conflict_key=conflict["conflict_key"],
                evidence={
                    side: {
                        "source": conflict[f"{side}_source"],
                        "record_key": conflict[f"{side}_record_key"],
                        "value": masked(library, element, conflict[f"{side}_value"]),
                    }
                    for side in ("chosen", "other")
                },
            )


def _close(session: Session, case: CorrectionCase, batch_id: str) -> None:
    """Take a case to its end: corrected by the batch, unless its department had refused."""
    if case.state in UNCORRECTED:
        move(session, case.number, "correct", SYSTEM, {"batch_id": batch_id})
    move(session, case.number, "close", SYSTEM)


def _looked_at(
    spark: SparkSession, cases: Sequence[CorrectionCase], entities: DataFrame | None
) -> Sequence[CorrectionCase]:
    """Return the cases on entities that this run looked at; of others it knows nothing."""
    if not cases or entities is None:
        return cases
    ids = spark.createDataFrame([(case.row_key,) for case in cases], "id string").distinct()
    found = {row["id"] for row in ids.join(entities, "id", "left_semi").collect()}
    return [case for case in cases if case.row_key in found]


def _versions(spark: SparkSession, library: Contract, entity_ids: Collection[str]) -> dict[str, list[Version]]:
    """Return all that was ever said about some entities, oldest first."""
    if not entity_ids:
        return {}
    rows = delta.read(spark, statement_of(library)).where(F.col("entity_id").isin(sorted(entity_ids)))
    found: dict[str, list[Version]] = {}
    for row in rows.collect():
        found.setdefault(row["entity_id"], []).append(Version.of(row.asDict(recursive=True)))
    return {key: sorted(versions, key=lambda v: (v.source, v.input_version)) for key, versions in found.items()}


def _department(resource: str) -> str:
    return get_registry().get(resource).government.department
