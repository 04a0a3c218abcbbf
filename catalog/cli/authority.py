"""`python -m catalog authority`: which source decides which element (数源目录)."""

from typing import Annotated

import typer

from catalog.cli.output import AsJson, explained, show
from catalog.model.authority import EVERYTHING_ELSE, authority_files, decided_elements, get_authority, load_authority
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Which source decides which element of a base library (一数一源).")
COLUMNS = ["resource", "element", "segment", "source", "department", "fallbacks", "valid_from", "valid_to", "basis"]


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """Refuse the file when an element of a base library has no source, or two; exit code 2 then."""
    with explained():
        authority = load_authority(*authority_files(), registry=get_registry())
        counts = [
            {"resource": c.id, "elements": len(decided_elements(c)), "rules": len(authority.of(c).rules)}
            for c in get_registry().all("base")
        ]
    if as_json:
        show("", [], counts, as_json)
        return
    total = sum(int(str(count["elements"])) for count in counts)
    typer.echo(
        f"{total} elements of {len(counts)} base libraries have one source each, in every segment, at all times."
    )
    typer.echo("Read: " + ", ".join(str(path) for path in authority_files()))


@app.command("show")
def show_rules(
    resource: Annotated[str | None, typer.Argument(help="Only this base library, such as population.person.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also rules that no longer hold, or not yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the source of each element by segment, who stands in for it, since when and on what basis."""
    rows = []
    with explained():
        registry, day = get_registry(), get_settings().business_date
        chosen = [registry.get(resource)] if resource else registry.all("base")
        for contract in chosen:
            library = get_authority().of(contract)
            for element in decided_elements(contract):
                for rule in library.rules:
                    if element in rule.elements and (every or rule.is_in_force(day)):
                        segment = rule.segment or EVERYTHING_ELSE
                        named = library.segments[segment].name if segment else "其余"
                        rows.append(
                            {
                                "resource": contract.id,
                                "element": element,
                                "segment": named,
                                "source": rule.source,
                                "department": registry.get(rule.source).government.department,
                                "fallbacks": ", ".join(rule.fallbacks),
                                "valid_from": rule.valid_from,
                                "valid_to": rule.valid_to,
                                "basis": rule.basis,
                            }
                        )
    show("Authority (数源目录)", COLUMNS, rows, as_json)
