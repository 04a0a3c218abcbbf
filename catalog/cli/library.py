"""`python -m catalog explain | conflicts`: why a cell is what it is, and how far sources agree (溯源与校核)."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from catalog.cli.acting import acting
from catalog.cli.output import AsJson, Limit, ResourceName, explained, show
from catalog.control.correction_cases import open_cases
from catalog.control.disclosures import record_disclosure
from catalog.control.identities import linked_by_persons, merged_by, redirects_of
from catalog.control.masking import mask_personal
from catalog.control.session import session_scope
from catalog.library.agreement import Agreement, agreements, differences
from catalog.library.explain import Cell, Explanation, Testimony, explain
from catalog.library.masked import masked
from catalog.library.statements import NoStatementsError, Version, record_of, statement_rows
from catalog.model.contract import Contract
from catalog.model.ids.citizen_id import is_valid_citizen_id
from catalog.model.registry import get_registry

Day = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="As known at the end of this day.")]
ValidDay = Annotated[
    datetime | None, typer.Option("--valid-on", formats=["%Y-%m-%d"], help="Of what was so on this day.")
]
Hide = Callable[[str, str | None], str | None]


def explain_cells(
    resource: Annotated[str, typer.Argument(help="Base library, such as population.person.")],
    identifier: Annotated[str, typer.Argument(help="Entity id, or the whole national key.", metavar="ID")],
    column: Annotated[str | None, typer.Option(help="Only this column.")] = None,
    as_of: Day = None,
    valid_on: ValidDay = None,
    unmask: Annotated[bool, typer.Option(help="Show personal values whole; goes on record with --reason.")] = False,
    reason: Annotated[str, typer.Option(help="What personal values are needed for.")] = "",
    as_json: AsJson = False,
) -> None:
    r"""Say why each cell of an entity is what it is (逐项溯源).

    For a cell: the source that decided it, its batch, file and row, the raw value and the rule that changed it, since
    when, and what every other source says: agree, conflict, stale (what the source said earlier) or missing. An id
    that was merged into another leads to that one, and the answer says so.

    \b
    python -m catalog explain population.person 11010519491231002X --column name
    python -m catalog explain population.person 3f0c… --as-of 2026-03-01 --valid-on 2026-02-15 --json
    """
    with explained():
        with session_scope() as session:
            onward = redirects_of(session, resource)
        found = explain(resource, identifier, redirects=onward, recorded_on=_day(as_of), valid_on=_day(valid_on))
        cells = [cell for cell in found.cells if column in (None, cell.column)]
        if not cells:
            raise typer.BadParameter(f"{resource} has no column {column}", param_hint="--column")
        with session_scope() as session:
            doubted = {c.column_name: c.number for c in open_cases(session, resource, row_keys=[found.entity_id])}
            persons = _persons(session, found)
        if unmask:
            names, place = [cell.column for cell in cells], f"{resource}:{found.entity_id}"
            shown = [key] if is_valid_citizen_id(key := found.entity_key) else []
            with acting("cell.unmask", place, detail={"columns": names}, purpose=reason, persons=shown) as session:
                record_disclosure(session, resource=resource, entity_id=found.entity_id, columns=names, reason=reason)
        hide = _hiding(found.contract, whole=unmask)
    rows = [_cell(cell, found, hide, doubted.get(cell.column), persons) for cell in cells]
    if as_json:
        told = {name: getattr(found, name) for name in ("entity_id", "leads_to", "merged", "is_deleted")}
        show("", [], [{**told, "cells": rows}], as_json)
        return
    typer.echo(f"{resource} {found.entity_id}{' (no source has it)' if found.is_deleted else ''}")
    for gone in found.merged:
        typer.echo(f"  {gone} was merged into it (已归并)")
    if found.leads_to != found.entity_id:
        typer.echo(f"  merged into {found.leads_to} (已归并), of which no source ever spoke")
    _tell(rows)


def conflicts(
    resource: ResourceName = None,
    department: Annotated[str | None, typer.Option(help="Only pairs with this department.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="The cells that differ, masked, instead of counts.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show how far sources agree (多源校核): agree, conflict, stale, missing per element and pair of departments."""
    with explained():
        chosen = [get_registry().get(resource)] if resource else _reconciled()
        if listed:
            rows = [_difference(contract, d) for contract in chosen for d in differences(contract, department, limit)]
            columns = ["resource", "entity_id", "element", "verdict", "first", "first_value", "second", "second_value"]
            show("Differences (相异数据项)", columns, rows, as_json)
            return
        counted = [_agreement(a) for contract in chosen for a in agreements(contract, department)]
    columns = [
        "resource", "element", "first_department", "second_department", "compared", "agree", "conflict", "stale",
        "missing", "agree_rate", "conflict_rate",
    ]  # fmt: skip
    show("Agreement of sources (多源校核)", columns, counted, as_json)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _hiding(contract: Contract, *, whole: bool) -> Hide:
    if whole:
        return lambda _, value: value
    return lambda column, value: masked(contract, column, value)


def _reconciled() -> list[Contract]:
    """Return the base libraries that have statements."""
    found = []
    for contract in get_registry().all("base"):
        try:
            statement_rows(contract)
        except NoStatementsError:
            continue
        found.append(contract)
    return found


def _cell(
    cell: Cell, found: Explanation, hide: Hide, case: str | None, persons: Mapping[str, list[str]]
) -> dict[str, Any]:
    names = {p.name: p.business_name for p in found.contract.properties}
    testimonies = [_testimony(t, cell.column, hide, persons) for t in cell.testimonies]
    return {
        "column": cell.column,
        "name": names[cell.column],
        "value": hide(cell.column, cell.value),
        "origin": cell.origin,
        "rule": cell.note,
        "in_verification": case is not None,
        "case": case,
        "source": testimonies[0] if testimonies and cell.origin == "source" else None,
        "others": testimonies[1:] if cell.origin == "source" else testimonies,
    }


def _testimony(testimony: Testimony, column: str, hide: Hide, persons: Mapping[str, list[str]]) -> dict[str, Any]:
    version, said = testimony.version, testimony.said
    return {
        "verdict": testimony.verdict,
        "source": testimony.source,
        "department": testimony.department,
        "value": hide(column, said.value) if said else None,
        "original": hide(column, said.original) if said else None,
        "standardised_by": said.rule if said else None,
        "batch": version.batch_id,
        "file": mask_personal(version.source_file) if version.source_file else None,
        "row": version.row_number,
        "record_key": mask_personal(version.record_key),
        "linked_by": _linked(version, persons),
        "valid_from": testimony.since.source_at,
        "first_seen": testimony.since.recorded_at,
        "first_seen_on": testimony.since.recorded_on,
        "last_seen": version.recorded_at,
    }


def _persons(session: Session, found: Explanation) -> dict[str, list[str]]:
    """Return record → who put it where it belongs, for records of sources without the national key."""
    how = {record_of(version): version.linked_by for version in found.versions if version.linked_by}
    if not how:
        return {}
    library = found.contract.id
    decided = linked_by_persons(session, library, how)
    merged = merged_by(session, library, {h.merged_from for h in how.values() if h.merged_from})
    return {
        r: [*decided.get(r, []), *([merged[h.merged_from]] if h.merged_from in merged else [])] for r, h in how.items()
    }


def _linked(version: Version, persons: Mapping[str, list[str]]) -> dict[str, Any] | None:
    """Return how a record without the national key was found to be the entity's, and who or what decided it."""
    how = version.linked_by
    if how is None:
        return None
    to = mask_personal(how.linked_to) if how.linked_to else None
    return {**vars(how), "linked_to": to, "by": persons.get(record_of(version), [])}


def _tell(rows: list[dict[str, Any]]) -> None:
    """Print one line per cell and source for people."""
    lines = []
    for row in rows:
        said = [row["source"], *row["others"]] if row["source"] else row["others"]
        first = {"column": f"{row['column']} {row['name']}", "value": row["value"], "doubt": row["case"]}
        if not said:
            lines.append({**first, "verdict": row["origin"], "rule": row["rule"]})
        for place, testimony in enumerate(said):
            head = first if place == 0 else {}
            line = {**testimony, "raw → standard": _change(testimony), "place": _place(testimony)}
            lines.append({**line, **head, "value": testimony["value"] if place else row["value"]})
    columns = ["column", "value", "verdict", "department", "source", "raw → standard", "batch", "place"]
    show("", [*columns, "first_seen_on", "doubt"], lines, as_json=False)


def _change(testimony: dict[str, Any]) -> str:
    if not testimony["standardised_by"]:
        return ""
    return f"{testimony['original']} → {testimony['value']} ({testimony['standardised_by']})"


def _place(testimony: dict[str, Any]) -> str:
    where = testimony["file"] or f"record {testimony['record_key']}"
    where = where if testimony["row"] is None else f"{where}, row {testimony['row']}"
    if (how := testimony["linked_by"]) is None:
        return where
    evidence = "" if how["weight"] is None else f" {how['weight']:+.1f} bits"
    return f"{where}; linked by {', '.join(how['by']) or how['model'] or how['method']}{evidence}"


def _difference(contract: Contract, difference: Any) -> dict[str, Any]:  # noqa: ANN401 - its fields are named below
    told = dict(vars(difference))
    for side in ("first", "second"):
        told[f"{side}_value"] = masked(contract, difference.element, told[f"{side}_value"])
        told[f"{side}_record_key"] = mask_personal(told[f"{side}_record_key"])
    return told


def _agreement(agreement: Agreement) -> dict[str, Any]:
    counts = {name: getattr(agreement, name) for name in ("agree", "conflict", "stale", "missing")}
    rates = {f"{name}_rate": round(agreement.rate(count), 4) for name, count in counts.items()}
    return {**vars(agreement), "compared": agreement.compared, **rates}
