"""`python -m catalog codes`: code lists, cross-walks, and the worklist of values that no list knows (代码集)."""

from typing import Annotated, Any

import typer

from catalog.cli.acting import acting, acting_on_files
from catalog.cli.output import AsJson, ResourceName, explained, show, tell_invalid
from catalog.cli.signing import By
from catalog.control.session import session_scope
from catalog.control.unmapped import (
    DIGEST_PREFIX,
    WorklistEntry,
    decide,
    follow_list,
    list_unmapped,
    stored_form,
)
from catalog.model.code_additions import CodeAdditionRefusedError, add_mapping
from catalog.model.codes import CodeList, code_list_names, load_code_list
from catalog.model.crosswalks import crosswalk, crosswalk_names
from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Code lists, cross-walks and the worklist of unmapped values (代码集).")

ListName = Annotated[str, typer.Argument(metavar="LIST", help="Code list, such as entity_status.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="What the department writes, as `unmapped` shows it.")]
COLUMNS = ["code", "name", "kind", "valid_from", "valid_to", "successor"]


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the code lists: how many codes, which have retired, who uses them, where cross-walks lead."""
    with explained():
        used: dict[str, set[str]] = {}
        for contract in get_registry().all():
            for column in contract.columns:
                used.setdefault(contract.code_list_of(column) or "", set()).add(contract.id)
        rows = [_summary(load_code_list(name), used.get(name, set())) for name in code_list_names()]
    columns = ["name", "canonical", "fixable", "ignored", "retired", "crosswalks_to", "resources"]
    show("Code lists (代码集)", columns, rows, as_json)
    tell_invalid(get_registry())


def _summary(codes: CodeList, resources: set[str]) -> dict[str, Any]:
    return {
        "name": codes.name,
        "canonical": len(codes.canonical_codes),
        "fixable": len(codes.fixes),
        "ignored": len(codes.ignored),
        "retired": sum(1 for day in codes.retired.values() if day < get_settings().business_date),
        "crosswalks_to": ", ".join(target for source, target in crosswalk_names() if source == codes.name),
        "resources": len(resources),
    }


@app.command("show")
def show_one(
    list_name: ListName,
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="One code of it.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many lines.", min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the lines of a list; of one code its validity, what holds on the business date, and its cross-walks."""
    with explained():
        codes = load_code_list(list_name)
        if code is None:
            rows = [{name: getattr(line, name) for name in COLUMNS} for line in codes.codes]
            left_out = 0 if as_json else max(0, len(rows) - limit)
            show(list_name, COLUMNS, rows if as_json else rows[:limit], as_json)
            if left_out:
                typer.echo(f"{left_out:,} more lines; name a code, or raise --limit.")
            return
        found = _one_code(codes, code)
    if as_json:
        show("", [], [found], as_json)
        return
    show(f"{list_name} {code}", COLUMNS, found["lines"], as_json)
    typer.echo(f"On {found['on']}: {found['canonical_on'] or 'nothing stands for it'}")
    if found["crosswalks"]:
        show("Cross-walks (代码对照)", ["to", "code", "name", "relation", "citation"], found["crosswalks"], as_json)


def _one_code(codes: CodeList, code: str) -> dict[str, Any]:
    lines = codes.lines_of(code)
    if not lines:
        likely = ", ".join(f"{near.code} {near.name}" for near in codes.nearest(code))
        raise GuantongError(f"{codes.name} has no code {code!r}", remedy=f"likely: {likely}" if likely else "")
    day = get_settings().business_date
    targets = []
    for source, target in crosswalk_names():
        if source == codes.name:
            for line in crosswalk(source, target).targets(code):
                named = load_code_list(target).lines_of(line.to_code)[-1].name
                told = {"relation": line.relation, "citation": line.citation}
                targets.append({"to": target, "code": line.to_code, "name": named, **told})
    return {
        "lines": [{name: getattr(line, name) for name in COLUMNS} for line in lines],
        "on": day,
        "canonical_on": codes.canonical_on(code, day),
        "crosswalks": targets,
    }


@app.command("unmapped")
def unmapped(
    resource: ResourceName = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is decided already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the worklist (待映射清单): values that no list knows, their rows and places, and what they may mean."""
    with explained():
        with session_scope() as session:
            entries = list_unmapped(session, resource=resource, state=None if everything else "open")
        rows = [_worklist_row(entry) for entry in entries]
    columns = ["resource", "column_name", "code_list", "value", "reason", "rows", "examples", "proposals", "last_seen"]
    show("Unmapped values (待映射清单)", columns + (["state", "decided_by"] if everything else []), rows, as_json)


def _worklist_row(entry: WorklistEntry) -> dict[str, Any]:
    row = dict(vars(entry))
    if not entry.is_readable:
        row["proposals"] = "personal: its rows stand in the table of rows set aside"
    elif entry.reason == "CODE_RETIRED":
        day = get_settings().business_date
        now = load_code_list(entry.code_list).canonical_on(entry.value, day)
        row["proposals"] = f"retired; ask for {now}" if now else "retired, without one successor"
    else:
        nearest = load_code_list(entry.code_list).nearest(entry.value)
        row["proposals"] = "; ".join(f"{code.code} {code.name}" for code in nearest)
    return row


@app.command("map")
def map_value(
    list_name: ListName,
    value: Value,
    by: By,
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="The canonical code it means.")] = None,
    ignore: Annotated[bool, typer.Option("--ignore", help="It stands for no value at all.")] = False,
) -> None:
    """Decide what a value means: the list gains one line, and the batches concerned wait for conform again.

    Example: python -m catalog codes map entity_status 开业 1 --by 示范管理员
    """
    with explained():
        _require_sound(value)
        if (code is None) != ignore:
            raise CodeAdditionRefusedError("a value means one code, or none", remedy="name CODE, or say --ignore")
        forms, decision = _forms(value), code or "ignored"
        detail = {"value": value, "decision": decision, "by": str(by)}
        with acting_on_files("code.map", f"code_list:{list_name}", detail=detail):
            before = load_code_list(list_name).digest
            is_new = add_mapping(list_name, value, code)
            with session_scope() as session:
                batches = decide(session, list_name, forms, state="mapped", by=str(by), decision=decision)
                follow_list(session, list_name, before)
        told = f"means {code}" if code else "stands for no value"
        typer.echo(f"{value} {told} in {list_name}" + ("." if is_new else ", as the list said already."))
        if not batches:
            typer.echo("No row waits for it.")
        for resource, batch_id in batches:
            typer.echo(f"python -m jobs conform --resource {resource} --batch {batch_id}")
        if batches:
            typer.echo(f"{len(batches)} batch(es) wait for conform; the next run, or the commands above, replay them.")


@app.command("refuse")
def refuse_value(list_name: ListName, value: Value, by: By) -> None:
    """Decide that a value means no code: its rows stay set aside until the department corrects them."""
    with explained():
        _require_sound(value)
        load_code_list(list_name)
        with acting("code.refuse", f"code_list:{list_name}", detail={"value": value, "by": str(by)}) as session:
            decide(session, list_name, _forms(value), state="refused", by=str(by))
        typer.echo(f"{value} is refused in {list_name}; its rows stay set aside for the department to correct.")


def _require_sound(value: str) -> None:
    if value.startswith(DIGEST_PREFIX):
        raise CodeAdditionRefusedError(
            "a digest cannot be mapped", remedy="take the value from the table of rows set aside and write it plainly"
        )


def _forms(value: str) -> list[str]:
    """Return the forms in which the worklist may keep the value."""
    key = get_settings().require("identity_key")
    return [value, stored_form(value, key, is_personal=True)]
