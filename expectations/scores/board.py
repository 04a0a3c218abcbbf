"""The scores of everything in scope (评分榜): resources, departments, batches; recorded as they are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from catalog import lake
from catalog.control.scores import replace_score, scores_of
from catalog.control.unusual import batches_with_history
from catalog.model.contract import Contract
from catalog.model.layers import conflict_of
from catalog.model.registry import Registry
from expectations.scores.evidence import Evidence, gather
from expectations.scores.measure import measure_batch, measure_resource
from expectations.scores.scheme import Scheme, load_scheme
from expectations.scores.score import Measured, Score, together

LATEST_BATCHES = 30
"""Batches of one resource that are scored one by one."""


@dataclass(frozen=True)
class Scored:
    """One resource with its scores."""

    contract: Contract
    evidence: Evidence
    score: Score
    batches: dict[str, Score]
    """Batch → its score as delivered, oldest first."""


@dataclass(frozen=True)
class Board:
    """Everything that was scored."""

    scheme: Scheme
    on: date
    resources: dict[str, Scored]
    departments: dict[str, Score] = field(default_factory=dict)


def measure_board(session: Session, registry: Registry, on: date, contracts: list[Contract]) -> Board:
    """Measure resources, their latest batches and departments; resources that nothing is known of are left out."""
    scheme = load_scheme()
    resources = {}
    for contract in contracts:
        scored = _score(session, registry, scheme, contract)
        if scored.evidence.deliveries or scored.evidence.checks[1]:
            resources[contract.id] = scored
    owners = sorted({scored.contract.government.department for scored in resources.values()})
    departments = {
        owner: Score(
            scheme,
            together(
                scheme,
                [s.score.measured for s in resources.values() if s.contract.government.department == owner],
            ),
        )
        for owner in owners
    }
    return Board(scheme, on, resources, departments)


def record_board(session: Session, board: Board) -> None:
    """Keep A and B of everything on the board under its business date, for trends."""
    for resource, scored in board.resources.items():
        _record(session, "resource", resource, board.on, scored.score.measured)
        for batch in scored.evidence.batches:
            if batch.batch_id in scored.batches:
                measured = scored.batches[batch.batch_id].measured
                _record(session, "batch", batch.batch_id, batch.business_date or board.on, measured)
    for department, score in board.departments.items():
        _record(session, "department", department, board.on, score.measured)


def trend(session: Session, scheme: Scheme, scope: str, subject: str) -> list[tuple[date, float]]:
    """Return business date → overall score of everything recorded about a subject, oldest first."""
    found = []
    for day, indicators in scores_of(session, scope, subject).items():
        unknown = Measured(not_evaluable="NO_ROWS")
        measured = {name: Measured(*indicators[name]) if name in indicators else unknown for name in scheme.indicators}
        overall = Score(scheme, measured).overall
        if overall is not None:
            found.append((day, overall))
    return found


def _score(session: Session, registry: Registry, scheme: Scheme, contract: Contract) -> Scored:
    compared = batches_with_history(session, contract.id) if contract.government.source else []
    evidence = gather(session, contract, compared, _conflicts(contract))
    latest = evidence.batches[-LATEST_BATCHES:]
    batches = {b.batch_id: Score(scheme, measure_batch(scheme, registry, evidence, b.batch_id)) for b in latest}
    return Scored(contract, evidence, Score(scheme, measure_resource(scheme, registry, evidence)), batches)


def _conflicts(contract: Contract) -> int | None:
    if contract.government.reconcile is None:
        return None
    found = lake.query("SELECT count(*) AS n FROM x", x=conflict_of(contract))
    return int(found[0]["n"]) if found else 0


def _record(session: Session, scope: str, subject: str, on: date, measured: Mapping[str, Measured]) -> None:
    replace_score(session, scope, subject, on, {name: (m.a, m.b, m.not_evaluable) for name, m in measured.items()})
