"""`python -m catalog elements`: what the columns mean, and what binds to them (数据元)."""

from pathlib import Path
from typing import Annotated, Any

import typer

from catalog.cli.delivered_headings import read_headings
from catalog.cli.earlier_elements import earlier_elements
from catalog.cli.output import AsJson, explained, show, tell_invalid
from catalog.model.collection import duplicate_collections
from catalog.model.element import Element
from catalog.model.element_changes import changes_between
from catalog.model.elements import load_elements
from catalog.model.errors import GuantongError
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.model.suggestions import render_items, suggest

app = typer.Typer(no_args_is_help=True, help="What the columns mean, and what binds to them (数据元).")


@app.command("list")
def list_all(
    query: Annotated[str, typer.Option(help="Only elements with this in their id, names or synonyms.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the data elements in force on the business date."""
    with explained():
        registry, wanted = get_registry(), query.casefold()
        rows = [
            {
                "id": element.id,
                "name": element.name,
                "object_class": element.object_class,
                "format": element.format,
                "type": str(exchange_type(element)),
                "rule": _rule(element),
                "submitted_by": element.submitted_by,
                "status": element.status,
                "columns": len(registry.bindings_of(element.id)),
            }
            for element in load_elements().in_force(get_settings().business_date)
            if any(wanted in heading.casefold() for heading in element.headings)
        ]
    columns = ["id", "name", "object_class", "format", "type", "rule", "submitted_by", "status", "columns"]
    show("Data elements (数据元)", columns, rows, as_json)


@app.command("show")
def show_one(
    element_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a data element, such as citizen_id.")],
    as_json: AsJson = False,
) -> None:
    """Show one element: all its versions, and every contract and column that a change of it touches."""
    with explained():
        versions = load_elements().versions(element_id)
        bindings = [
            {
                "resource": contract.id,
                "column": column,
                "name": next(p.business_name for p in contract.properties if p.name == column),
                "layer": contract.government.layer,
                "department": contract.government.department,
                "key": "key" if column in contract.key else "",
            }
            for contract, column in get_registry().bindings_of(element_id)
        ]
    today = get_settings().business_date
    if as_json:
        described = [
            {
                **element.model_dump(mode="json", by_alias=True),
                "exchange_type": str(exchange_type(element)),
                "in_force": element.is_in_force(today),
            }
            for element in versions
        ]
        show("", [], [{"versions": described, "bindings": bindings}], as_json)
        tell_invalid(get_registry())
        return
    for element in versions:
        _describe(element, "in force" if element.is_in_force(today) else f"not in force on {today}")
    tables = len({row["resource"] for row in bindings})
    columns = ["resource", "column", "name", "layer", "department", "key"]
    show(f"A change touches {len(bindings)} columns of {tables} contracts", columns, bindings, as_json)
    tell_invalid(get_registry())


@app.command("suggest")
def suggest_bindings(
    file: Annotated[Path | None, typer.Argument(help="A CSV, XLS, XLSX or JSON file of the source.")] = None,
    heading: Annotated[list[str] | None, typer.Option(help="A heading; may be given many times.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding; default UTF-8, else GB18030.")] = None,
    object_class: Annotated[str | None, typer.Option(help="What the source is about: person, legal_entity…")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose bindings for the headings of a new source: an `items:` block to paste, with score and reason."""
    with explained():
        headings = [*(read_headings(file, encoding) if file else []), *(heading or [])]
        if not headings:
            raise GuantongError("nothing to place", remedy="name a file, or give --heading 身份证号 --heading 姓名")
        found = suggest(headings, load_elements().in_force(get_settings().business_date), object_class)
    if as_json:
        rows: list[dict[str, Any]] = [
            {
                "heading": each.heading,
                "element": each.element.id if each.element else None,
                "score": each.score,
                "reason": each.reason,
                "others": list(each.others),
            }
            for each in found
        ]
        show("", [], rows, as_json)
        return
    typer.echo(render_items(found))
    lost = [each.heading for each in found if each.element is None]
    if lost:
        typer.echo(f"{len(lost)} of {len(found)} headings have no element: {'、'.join(lost)}", err=True)


@app.command("changes")
def changes(
    before: Annotated[str, typer.Argument(help="A folder of element files, or a commit such as HEAD~1.")],
    as_json: AsJson = False,
) -> None:
    """Show what changed in the elements since then, and every column that each change touches."""
    with explained():
        found = changes_between(earlier_elements(before), load_elements(), get_settings().business_date, get_registry())
    rows = [
        {
            "element": each.element_id,
            "key": each.key,
            "before": each.before,
            "after": each.after,
            "columns": list(each.columns) if as_json else ", ".join(each.columns),
        }
        for each in found
    ]
    show("Changed elements (数据元变更)", ["element", "key", "before", "after", "columns"], rows, as_json)
    tell_invalid(get_registry())


@app.command("duplicates")
def duplicates(as_json: AsJson = False) -> None:
    """List what sources collect although another department is its source (重复采集)."""
    with explained():
        rows = [
            {
                "source": found.source,
                "column": found.column,
                "department": found.department,
                "element": found.element.id,
                "name": found.element.name,
                "authority": found.element.submitted_by,
                "use": list(found.resources) if as_json else ", ".join(found.resources),
            }
            for found in duplicate_collections(get_registry())
        ]
    columns = ["source", "column", "department", "element", "name", "authority", "use"]
    show("Duplicate collection (重复采集)", columns, rows, as_json)
    tell_invalid(get_registry())


def _rule(element: Element) -> str:
    return f"code list {element.value_domain.code_list}" if element.value_domain.code_list else element.standard


def _describe(element: Element, state: str) -> None:
    span = f"{element.valid_from or '…'} – {element.valid_to or '…'}"
    kind = exchange_type(element)
    lines = [
        f"{element.id} {element.version} {element.name} ({element.english}), {element.status}, {span}, {state}",
        f"  definition     {element.definition}",
        f"  what           {element.object_class} / {element.property_} / {element.representation}",
        f"  format         {element.format}, column type {element.spark_type}, catalogue {kind} {kind.name}",
        f"  rule           {_rule(element)}",
        f"  unit           {element.unit}" if element.unit else "",
        f"  synonyms       {'、'.join(element.synonyms)}" if element.synonyms else "",
        f"  submitted by   {element.submitted_by}",
        f"  protection     {element.classification}, mask {element.mask}",
        f"  after          {element.citation}" if element.citation else "",
    ]
    typer.echo("\n".join(line for line in lines if line))
