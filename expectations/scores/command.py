"""``python -m expectations scores``: how good the data is, by the indicators of GB/T 36344 (质量评分)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as ScreenTable

from expectations.scores.score import Score, quality_of

if TYPE_CHECKING:
    from expectations.scores.board import Board

console = Console(highlight=False, width=None if sys.stdout.isatty() else 170)


def scores(
    resource: Annotated[str | None, typer.Option("--resource", help="Only this resource, with its batches.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything with A and B, for programs.")] = False,
) -> None:
    """Measure and show quality: six dimensions, twenty indicators, one grade; what cannot be evaluated says why."""
    from catalog.control.session import session_scope
    from catalog.model.registry import get_registry
    from catalog.model.settings import get_settings
    from expectations.scores.board import measure_board, record_board

    registry = get_registry()
    contracts = [registry.get(resource)] if resource else registry.all()
    with session_scope() as session:
        board = measure_board(session, registry, get_settings().business_date, contracts)
        if resource is None:
            record_board(session, board)
    if as_json:
        print(json.dumps(as_document(board), ensure_ascii=False, indent=1))
        return
    if not board.resources:
        console.print("Nothing was delivered or checked yet (尚无可评价的数据).")
        return
    console.print(_overview(board))
    if resource:
        console.print(_indicators(board.resources[resource].score))


def as_document(board: Board) -> dict[str, Any]:
    """Return the board as JSON: every score with A, B, or the reason why not."""
    return {
        "business_date": board.on.isoformat(),
        "standard": board.scheme.citation,
        "resources": {
            name: {
                **_described(scored.score),
                "department": scored.contract.government.department,
                "batches": {batch: _described(score) for batch, score in scored.batches.items()},
            }
            for name, scored in board.resources.items()
        },
        "departments": {name: _described(score) for name, score in board.departments.items()},
    }


def _described(score: Score) -> dict[str, Any]:
    grade = score.grade
    return {
        "score": _rounded(score.overall),
        "grade": grade.name if grade else None,
        "evaluable": score.evaluable,
        "bad_share": _rounded(score.bad_share),
        "dimensions": {d.name: _rounded(score.of_dimension(d)) for d in score.scheme.dimensions},
        "indicators": {
            name: {"a": m.a, "b": m.b, "score": _rounded(quality_of(score.scheme.indicators[name], m))}
            if m.not_evaluable is None
            else {"not_evaluable": m.not_evaluable, "reason": score.scheme.not_evaluable[m.not_evaluable].zh}
            for name, m in score.measured.items()
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def percent(value: float | None) -> str:
    """Return a score for people; rounded down, so that only what is whole says 100 %.

    >>> percent(0.99999), percent(1.0), percent(None)
    ('99.99 %', '100 %', '不可评价')
    """
    if value is None:
        return "不可评价"
    return "100 %" if value >= 1 else f"{int(value * 10_000) / 100:.2f} %"


def _overview(board: Board) -> ScreenTable:
    table = ScreenTable(title=f"质量评分 Quality scores, {board.on}", title_justify="left")
    for heading in ("资源 resource", "等级 grade", "总分 score", "指标 indicators"):
        table.add_column(heading)
    for dimension in board.scheme.dimensions:
        table.add_column(f"{dimension.name}\n{dimension.en}", justify="right")
    for name, score in [
        *((n, s.score) for n, s in board.resources.items()),
        *((f"部门 {n}", s) for n, s in board.departments.items()),
    ]:
        grade = score.grade
        parts = [percent(score.of_dimension(d)) for d in board.scheme.dimensions]
        table.add_row(name, grade.name if grade else "–", percent(score.overall), f"{score.evaluable}/20", *parts)
    return table


def _indicators(score: Score) -> ScreenTable:
    table = ScreenTable(title="指标 Indicators", title_justify="left")
    for heading in ("指标 indicator", "得分 score", "A", "B", "说明 what"):
        table.add_column(heading, overflow="fold")
    for name, measured in score.measured.items():
        indicator = score.scheme.indicators[name]
        if measured.not_evaluable:
            reason = score.scheme.not_evaluable[measured.not_evaluable]
            table.add_row(f"{name} {indicator.en}", "不可评价", "", "", f"{reason.zh} {reason.en}")
        else:
            shown = percent(quality_of(indicator, measured))
            what = f"A {indicator.a}，B {indicator.b}"
            table.add_row(f"{name} {indicator.en}", shown, f"{measured.a:,}", f"{measured.b:,}", what)
    return table
