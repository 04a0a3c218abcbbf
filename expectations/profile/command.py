"""``python -m expectations profile``: look at a new source before anybody writes its contract (数据源画像)."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as ScreenTable

if TYPE_CHECKING:
    from expectations.profile.proposal import Proposal

console = Console(highlight=False, width=None if sys.stdout.isatty() else 160, soft_wrap=True)


def profile(
    source: Annotated[str, typer.Argument(help="A file (CSV, workbook, JSON), or a resource that has been extracted.")],
    resource: Annotated[str, typer.Option("--resource", help="Id to propose for it.")] = "domain.new_source",
    department: Annotated[str, typer.Option("--department", help="Department that sends it.")] = "data_administration",
    limit: Annotated[int, typer.Option(help="Rows looked at.", min=10)] = 20_000,
    out: Annotated[Path | None, typer.Option("--out", help="Write the proposed contract here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON, for programs.")] = False,
) -> None:
    """Profile a source: types, forms, empty cells, keys, code lists, data elements, and a contract to begin with."""
    from catalog.model.departments import get_department
    from expectations.profile.proposal import propose, render_contract
    from expectations.profile.reading import read_sample

    get_department(department)
    proposal = propose(read_sample(source, limit), resource, department)
    text = render_contract(proposal)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if as_json:
        print(json.dumps(as_document(proposal), ensure_ascii=False, indent=1))
        return
    console.print(_table(proposal))
    if out is None:
        console.print(text, markup=False)
    else:
        console.print(f"{out}: read it, mend it, and put it under catalog/resources.", markup=False)


def as_document(proposal: Proposal) -> dict[str, Any]:
    """Return the profile and the proposal as JSON."""
    columns = []
    for column, suggestion, name in zip(proposal.columns, proposal.suggestions, proposal.names, strict=True):
        element = suggestion.element.id if suggestion.element else None
        found = {"name": name, "element": element, "score": suggestion.score, "reason": suggestion.reason}
        columns.append({**asdict(column), "null_share": column.null_share, **found})
    return {
        "source": proposal.sample.name,
        "rows": len(proposal.sample.rows),
        "columns": columns,
        "keys": proposal.keys,
        "contract": proposal.contract,
    }


def _table(proposal: Proposal) -> ScreenTable:
    title = f"{proposal.sample.name}: {len(proposal.sample.rows):,} 行 rows, {len(proposal.columns)} 列 columns"
    table = ScreenTable(title=title, title_justify="left")
    for heading in ("列 heading", "内容 holds", "空值 empty", "不同值 distinct", "形式 forms", "数据元 element"):
        table.add_column(heading, overflow="fold")
    for column, suggestion in zip(proposal.columns, proposal.suggestions, strict=True):
        holds = column.kind if column.kind_share >= 1 else f"{column.kind} {column.kind_share:.0%}"
        if column.code_list:
            holds += f", 代码集 {column.code_list} {column.code_share:.0%}"
        forms = "  ".join(f"{form} ×{rows:,}" for form, rows in column.patterns[:3]).replace("[", r"\[")
        element = f"{suggestion.element.id} {suggestion.score:.2f}" if suggestion.element else "–"
        table.add_row(column.heading, holds, f"{column.null_share:.1%}", f"{column.distinct:,}", forms, element)
    return table
