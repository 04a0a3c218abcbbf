"""`python -m catalog find | relations | licences`: entities of the base libraries by what they are (基础库查找)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.exc import OperationalError

from catalog.cli.library import Day, ValidDay
from catalog.cli.output import AsJson, Limit, explained, show
from catalog.control.identities import redirects_of
from catalog.control.session import WATCHED_SECONDS, session_scope, waiting_at_most
from catalog.library.finding import Entity, entities_in_division, entities_with
from catalog.library.licences import LIBRARY, expiring, licences_of
from catalog.library.masked import masked
from catalog.library.register_history import history_of
from catalog.library.relations import relations_of
from catalog.model.contract import Contract
from catalog.model.licence_validity import Licence
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Licences (电子证照): of a holder, or about to expire.")
OnDay = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Day of use; default the business date.")
]
LICENCE_COLUMNS = ["licence_id", "type_code", "licence_no", "holder_code", "valid_from_date", "valid_to_date"]


def find(
    resource: Annotated[str, typer.Argument(help="Base library, such as population.person.")],
    column: Annotated[str, typer.Option(help="Which column has the value.")],
    value: Annotated[str, typer.Option(help="The standard value; a division finds those that went into it too.")],
    as_of: Day = None,
    valid_on: ValidDay = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    r"""Find entities by a value, now or on a day; personal values are masked, and merged ids lead on.

    \b
    python -m catalog find population.person --column division_code --value 110101    also who still has 110103
    """
    with explained():
        contract = get_registry().get(resource)
        if column not in contract.columns:
            raise typer.BadParameter(f"{resource} has no column {column}", param_hint="--column")
        if contract.code_list_of(column) == "division" and as_of is None and valid_on is None:
            found = entities_in_division(contract, column, value)
        else:
            found = entities_with(contract, column, [value], recorded_on=_day(as_of), valid_on=_day(valid_on))
    rows = _led_on(resource, [_entity(contract, entity) for entity in found[:limit]])
    columns = ["entity_id", *[c for c in (*contract.key, "name", "division_code", column) if c in contract.columns]]
    show(f"{len(found):,} found", _telling_merges(list(dict.fromkeys(columns)), rows), rows, as_json)


def relations(
    resource: Annotated[str, typer.Argument(help="Base library, such as legal_entity.entity.")],
    identifier: Annotated[str, typer.Argument(help="Entity id, or the whole national key.", metavar="ID")],
    as_of: Day = None,
    valid_on: ValidDay = None,
    as_json: AsJson = False,
) -> None:
    """Show how an entity is related (关联关系): representative, employer, licences, household, branches, both ways."""
    with explained():
        found = relations_of(resource, identifier, recorded_on=_day(as_of), valid_on=_day(valid_on))
    rows = [
        {
            "relation": relation.kind,
            "name": relation.name,
            "direction": relation.direction,
            "resource": relation.resource,
            **_entity(get_registry().get(relation.resource), relation.other),
        }
        for relation in found
    ]
    show("Relations (关联关系)", ["relation", "name", "direction", "resource", "entity_id"], rows, as_json)


def history(
    resource: Annotated[str, typer.Argument(help="Register built of editions, such as education.university.")],
    column: Annotated[str, typer.Option(help="What an entry is called.")] = "university_name",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show what became of a register's entries (名录沿革): opened, renamed, left, by edition; merged ids lead on."""
    with explained():
        found = history_of(get_registry().get(resource), column)
    columns = ["entity_id", "change", "earlier", "later", "earlier_name", "later_name"]
    rows = _led_on(resource, [dict(vars(entry)) for entry in found[:limit]])
    show(f"{len(found):,} changes", _telling_merges(columns, rows), rows, as_json)


@app.command("of")
def of_holder(
    holder: Annotated[str, typer.Argument(help="Holder's citizen number or unified social credit code.")],
    on: OnDay = None,
    every: Annotated[bool, typer.Option("--all", help="Also licences that are no longer valid, or not yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all live licences of a holder (一次查全), validity computed for the day of use."""
    with explained():
        found = licences_of(holder, _day(on) or get_settings().business_date)
    rows = [
        {**_licence(j.licence), "validity": j.validity, "superseded_by": j.superseded_by}
        for j in found
        if every or j.validity == "valid"
    ]
    show("Licences (证照)", [*LICENCE_COLUMNS, "validity", "superseded_by"], rows, as_json)


@app.command("expiring")
def about_to_expire(
    within: Annotated[int, typer.Option(help="Days from the day of asking.", min=0, max=3650)] = 30,
    on: OnDay = None,
    as_json: AsJson = False,
) -> None:
    """Show the live licences whose validity ends soon (临期证照), the first to end first."""
    with explained():
        found = expiring(_day(on) or get_settings().business_date, within)
    show("Expiring licences (临期证照)", LICENCE_COLUMNS, [_licence(licence) for licence in found], as_json)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _led_on(library: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows under the ids that stand now; ``merged_from`` is the id under which a merged one was found.

    The lake alone answers where no control plane is there to know of merges, and a line says so.
    """
    onward: dict[str, str] = {}
    if get_settings().control_url and rows:
        try:
            with waiting_at_most(WATCHED_SECONDS), session_scope() as session:
                onward = redirects_of(session, library)
        except OperationalError:
            typer.echo("The control database does not answer; ids are shown as they were before any merge.", err=True)
    for row in rows:
        found = row["entity_id"]
        row["entity_id"] = onward.get(found, found)
        row["merged_from"] = found if found in onward else None
    return rows


def _telling_merges(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the columns of a table, with that of merged ids where there is one to tell."""
    return [*columns, *(["merged_from"] if any(row["merged_from"] for row in rows) else [])]


def _entity(contract: Contract, entity: Entity) -> dict[str, Any]:
    return {"entity_id": entity.entity_id, **{c: masked(contract, c, v) for c, v in entity.values.items()}}


def _licence(licence: Licence) -> dict[str, Any]:
    contract = get_registry().get(LIBRARY)
    shown: Sequence[str] = [*LICENCE_COLUMNS, "status_code", "issued_date"]
    row = {name: getattr(licence, name) for name in shown}
    return {**row, "holder_code": masked(contract, "holder_code", licence.holder_code)}
