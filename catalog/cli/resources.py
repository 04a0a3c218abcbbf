"""`python -m catalog resources`: what the contracts declare (数据资源目录)."""

from typing import Annotated, Any

import typer

from catalog.cli.output import AsJson, explained, show
from catalog.model.registry import get_registry

app = typer.Typer(no_args_is_help=True, help="What the contracts declare (数据资源目录).")


@app.command("list")
def list_all(
    layer: Annotated[str | None, typer.Option(help="silver, base or gold.")] = None, as_json: AsJson = False
) -> None:
    """List the resources with their department, layer and update cycle."""
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


@app.command("show")
def show_one(
    resource: Annotated[str, typer.Argument(help="domain.resource, such as population.resident.")],
    as_json: AsJson = False,
) -> None:
    """Show one resource: its items, their types, and what it is built from."""
    with explained():
        contract = get_registry().get(resource)
        inputs = [source.id for source in get_registry().inputs_of(contract)]
    if as_json:
        show("", [], [contract.model_dump(mode="json", by_alias=True, exclude_none=True)], as_json)
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
            "key": "key" if item.primary_key else "",
            "required": "yes" if item.required else "",
            "classification": item.classification,
            "standard": contract.item(item.name).standard,
        }
        for item in contract.properties
    ]
    show("", ["item", "name", "type", "key", "required", "classification", "standard"], rows, as_json)
