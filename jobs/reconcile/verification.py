"""Doubts about the cells of a base library (数据核查): which are in verification, and which a batch has mended.

Invariant: a cell is in verification while a case on it waits for its department, whoever raised it; a value that its
department has confirmed by refusing the correction is not, and the same disagreement is not raised again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from catalog.control.case_events import KIND
from catalog.control.compared_cases import COMPARISON, end_corrected
from catalog.control.correction_tables import CorrectionCase
from catalog.control.life_tables import LifeEvent
from catalog.control.mended_values import doubted_since
from catalog.control.session import session_scope
from catalog.library.doubted import columns_behind, mending
from catalog.model.contract import Contract
from catalog.model.correction import CLOSED, CORRECTED, REFUSED, UNCORRECTED
from catalog.model.registry import get_registry
from catalog.model.state_machine import SYSTEM
from jobs.reconcile.statements import versions_of
from jobs.runtime.stage import StageRun


@dataclass(frozen=True)
class Cases:
    """What the control plane knows about doubts on one base library."""

    waiting: list[tuple[str, str]]
    """Entity id and element of doubts that people and systems raised and that wait for their department."""
    refused: list[tuple[str, str]]
    """Entity id and key of conflicts on which the department stood by its value."""


def tables_of(library: Contract) -> list[str]:
    """Return the resources on whose rows doubts about a base library are raised: itself, and what is cut from it.

    A contract that cannot be used and names the library counts as cut from it: the doubts on its rows stay.
    """
    registry = get_registry()
    cut = [c.id for c in registry.all("gold") if c.government.curate and c.government.curate.input == library.id]
    return [library.id, *cut, *(error.resource for error in registry.invalid_with(library.id))]


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


def close_mended(
    spark: SparkSession, library: Contract, run: StageRun, since: int | None = None, doubted: Collection[str] = ()
) -> None:
    """Close the doubts of people and systems about values that their department has changed since.

    Args:
        spark: the session.
        library: the base library.
        run: the run of reconcile.
        since: only entities of which something was said after the run with this number can have changed; the whole
            history is read for those alone. Default all of them.
        doubted: entities to look at all the same, because somebody moved a case on them meanwhile.
    """
    with session_scope() as session:
        cases = session.scalars(_raised_by_people(library)).all()
        began = doubted_since(session, cases)
    concerned = {case.row_key for case in cases}
    touched = {*versions_of(spark, library, concerned, since), *concerned.intersection(doubted)}
    versions = versions_of(spark, library, touched)
    batches = {}
    for case in cases:
        columns = columns_behind(get_registry().get(case.resource), case.column_name)
        said = versions.get(case.row_key, [])
        turns = mending(said, columns, case.doubted_department, began[case.number])
        if turns:
            batches[case.number] = turns[-1].batch_id

    def end(session: Session) -> None:
        still = [case.number for case in session.scalars(_raised_by_people(library))]
        end_corrected(session, {number: batches[number] for number in still if number in batches})

    run.transaction(end)
