"""`python -m catalog merge`, `split`, `redirects`: entity ids joined and parted by persons (实体归并与拆分)."""

from typing import Annotated

import typer

from catalog.cli.acting import acting
from catalog.cli.output import AsJson, explained, fields, show
from catalog.cli.signing import By
from catalog.control.audit import Detail
from catalog.control.identities import (
    assign_record,
    current_id,
    history_of,
    merge_entities,
    redirects_of,
    restore_entity,
)
from catalog.control.session import session_scope
from catalog.model.entity_ids import entity_id_of
from catalog.model.settings import get_settings

Library = Annotated[str, typer.Argument(metavar="LIBRARY", help="Base library, such as population.person.")]
EntityId = Annotated[str, typer.Argument(metavar="ID", help="Id of an entity.")]
Note = Annotated[str, typer.Option(help="Why.")]
_HISTORY = ("from_id", "to_id", "note", "recorded_by", "recorded_at", "ended_by", "ended_at")


def merge(
    library: Library,
    kept: EntityId,
    gone: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids that the first takes over.")],
    by: By,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Make several entities one (归并): the first id stays, the others lead to it for ever."""
    detail: Detail = {"gone": gone, "by": str(by), "note": note}
    with explained(), acting("entity.merge", f"{library}:{kept}", detail=detail) as session:
        merge_entities(session, library, kept, gone, by=str(by), note=note)
        rows = [{"from_id": entity_id, "to_id": current_id(session, library, entity_id)} for entity_id in gone]
    show(f"Merged (已归并) {library}", ["from_id", "to_id"], rows, as_json)


def split(
    library: Library,
    entity_id: EntityId,
    by: By,
    record: Annotated[
        list[str] | None, typer.Option("--record", help="Record that leaves it, as <resource>|<record key>; repeat.")
    ] = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Part an entity (拆分): take back its merge, or let records leave it, together, under an id of their own."""
    with explained():
        secret = get_settings().require("identity_key") if record else ""
        detail: Detail = {"records": record or [], "by": str(by), "note": note}
        with acting("entity.split", f"{library}:{entity_id}", detail=detail) as session:
            if not record:
                restore_entity(session, library, entity_id, by=str(by))
                rows = [{"entity_id": entity_id, "record": None}]
            else:
                fresh = entity_id_of(library, f"split|{entity_id}|{min(record)}", secret)
                for one in record:
                    assign_record(session, library, one, fresh, by=str(by), note=note)
                rows = [{"entity_id": fresh, "record": one} for one in record]
    show(f"Split (已拆分) {library}", ["entity_id", "record"], rows, as_json)


def redirects(
    library: Library,
    entity_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One id, with its whole history.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where ids lead now (标识沿革); of one id the whole history, what was taken back too."""
    with explained(), session_scope() as session:
        if entity_id is None:
            rows = [{"from_id": old, "to_id": new} for old, new in sorted(redirects_of(session, library).items())]
        else:
            rows = [fields(row, *_HISTORY) for row in history_of(session, library, entity_id)]
    show(f"Redirects (标识沿革) {library}", _HISTORY if entity_id else ["from_id", "to_id"], rows, as_json)
