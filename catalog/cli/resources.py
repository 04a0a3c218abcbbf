"""`python -m catalog resources`: what the contracts declare (数据资源目录)."""

from typing import Annotated, Any

import typer

from catalog.cli.output import AsJson, explained, show, tell_invalid
from catalog.model.collection import duplicate_collections
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import get_registry

app = typer.Typer(no_args_is_help=True, help="What the contracts declare (数据资源目录).")


@app.command("list")
def list_all(
    layer: Annotated[str | None, typer.Option(help="silver, base or gold.")] = None, as_json: AsJson = False
) -> None:
    """List the resources with their department, layer and update cycle; exit code 1 when a contract cannot be used."""
    with explained():
        rows = [
            {
                "id": contract.id,
                "name": contract.table.business_name,
                "layer": contract.government.layer,
                "department": contract.government.department,
                "update_cycle": contract.government.update_cycle,
                "version": contract.version,
                "status": contract.status,
            }
            for contract in get_registry().all(layer)
        ]
    columns = ["id", "name", "layer", "department", "update_cycle", "version", "status"]
    show("Resources (数据资源)", columns, rows, as_json)
    tell_invalid(get_registry())


@app.command("show")
def show_one(
    resource: Annotated[str, typer.Argument(help="domain.resource, such as population.resident.")],
    as_json: AsJson = False,
) -> None:
    """Show one resource: its items, their types (catalogue: 1272号 data type and length), and what it is built from."""
    with explained():
        registry = get_registry()
        contract = registry.get(resource)
        inputs = [source.id for source in registry.inputs_of(contract)]
        bound = registry.elements_of(contract)
        types = {column: str(exchange_type(element)) for column, element in bound.items()}
        warnings = [str(found) for found in duplicate_collections(registry, resource)]
    if as_json:
        document = contract.model_dump(mode="json", by_alias=True, exclude_none=True)
        show("", [], [{**document, "exchangeTypes": types, "warnings": warnings}], as_json)
        return
    typer.echo(f"{contract.id} {contract.version} ({contract.table.business_name}), {contract.government.layer}")
    typer.echo(f"{contract.description.purpose}")
    if inputs:
        typer.echo(f"Built from: {', '.join(inputs)}")
    rows: list[dict[str, Any]] = [
        {
            "item": item.name,
            "name": item.business_name,
            "type": item.logical_type,
            "catalogue": types.get(item.name, ""),
            "key": "key" if item.primary_key else "",
            "required": "yes" if item.required else "",
            "classification": item.classification,
            "standard": contract.item(item.name).standard,
            "element": contract.item(item.name).element,
        }
        for item in contract.properties
    ]
    columns = ["item", "name", "type", "catalogue", "key", "required", "classification", "standard", "element"]
    show("", columns, rows, as_json)
    for warning in warnings:
        typer.echo(warning)
