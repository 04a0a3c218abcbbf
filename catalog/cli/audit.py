"""`python -m catalog audit`: prove the audit, look into it, and say who read a person's data (审计)."""

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.cli.output import AsJson, Limit, explained, fields, show
from catalog.control import audit_verification
from catalog.control.audit import record
from catalog.control.audit_archive import archive
from catalog.control.audit_journal import Journal
from catalog.control.audit_keys import audit_keys
from catalog.control.audit_reading import AuditFilter, list_entries, who_read
from catalog.control.audit_tables import AuditEntry
from catalog.control.session import session_scope
from catalog.model.caller import command_line
from catalog.model.errors import GuantongError
from catalog.model.ids.citizen_id import is_valid_citizen_id
from catalog.model.settings import get_settings

if TYPE_CHECKING:
    from catalog.service.bulk_reads import BulkRead

app = typer.Typer(no_args_is_help=True, help="Prove the audit (审计), look into it, and say who read a person's data.")

_COLUMNS = ["seq", "at", "actor_name", "department", "act", "object", "outcome", "reason", "purpose"]
_MORE = ["actor", "roles", "detail", "address", "request_id", "subjects", "algorithm", "digest"]

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As 2026-01-31, in UTC.")]


@app.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Prove that no entry was edited, deleted, inserted, moved, cut off or written anew.

    Exit code 0: sound; 1: something was found; the findings say what and where.
    """
    with explained():
        keys = audit_keys()
        with session_scope() as session:
            journal = Journal.of(keys)
            result = audit_verification.verify(session, keys, journal.read(), start=journal.anchor())
    rows = [
        {"fault": one.fault, "place": one.place, "meaning": audit_verification.EXPLAINED[one.fault]}
        for one in result.findings
    ]
    if as_json:
        show("", [], [{"entries": result.entries, "checkpoints": result.checkpoints, "findings": rows}], True)
    else:
        if rows:
            show("Findings (校验发现)", ["fault", "place", "meaning"], rows, False)
        verdict = "sound (完整)" if result.is_sound else f"NOT sound (不完整): {len(rows)} findings"
        unsigned = f", {result.unsigned} sealed but not yet signed" if result.unsigned else ""
        typer.echo(f"{result.entries} entries, {result.checkpoints} checkpoints{unsigned}: {verdict}.")
    raise typer.Exit(0 if result.is_sound else 1)


@app.command("show")
def show_entries(
    actor: Annotated[str | None, typer.Option(help="Only this person or system, by name or as person:7.")] = None,
    act: Annotated[str | None, typer.Option(help="Only this act, as role.grant, or all of role.")] = None,
    object: Annotated[str | None, typer.Option(help="Only acts on this object.")] = None,
    outcome: Annotated[str | None, typer.Option(help="done, refused or failed.")] = None,
    since: Day = None,
    until: Day = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was done and refused (审计记录), newest first; looking is recorded too."""
    wanted = AuditFilter(actor, act, object, outcome, None, _utc(since), _utc(until))
    with explained(), session_scope() as session:
        record(session, command_line(), "audit.read", "audit", purpose="audit")
        found = list_entries(session, wanted, limit=limit)
    show("Audit (审计)", _COLUMNS, [_fields(entry) for entry in found], as_json)


@app.command("who-read")
def who_read_person(
    key: Annotated[str, typer.Argument(help="Citizen number (公民身份号码); - reads it from standard input.")],
    purpose: Annotated[str, typer.Option(help="Why you ask; it is recorded.")] = "access request of the person",
    source: Annotated[
        str | None, typer.Option("--source", help="The key is that of a record of this resource, not the national one.")
    ] = None,
    limit: Limit = 1000,
    as_json: AsJson = False,
) -> None:
    """Say who read a person's data, when and for what; the question is recorded too.

    Entries hold a keyed hash of the number, so this needs AUDIT_KEY. Reads of whole tables (share.bulk) are found by
    looking the person up in every version that was handed out; `uncertain` is said where nobody can tell any more.
    """
    from catalog.service.bulk_reads import bulk_reads_of, names_of

    with explained():
        number = sys.stdin.readline().strip() if key == "-" else key.strip()
        if not number:
            raise GuantongError("no number was given", remedy="python -m catalog audit who-read NUMBER")
        with session_scope() as session:
            record(session, command_line(), "audit.who-read", "audit", purpose=purpose, persons=[number])
            names = names_of(session, number, source)
        with session_scope() as session:
            asked = [name for name in names if is_valid_citizen_id(name)] or [number]
            found = [one for name in sorted(asked) for one in who_read(session, audit_keys(), name, limit=limit)]
            bulk = bulk_reads_of(session, names)
    rows = [*map(_fields, found), *map(_bulk_fields, bulk)]
    show("Who read (查询记录)", _COLUMNS, rows, as_json)


def _bulk_fields(read: "BulkRead") -> dict[str, object]:
    place, reader = read.place, read.read
    return {
        **dict.fromkeys((*_COLUMNS, *_MORE)),
        "at": reader.on,
        "actor_name": reader.recipient,
        "department": reader.department,
        "act": "share.bulk",
        "object": f"share:{place.share}.{place.schema_name}.{place.table_name}@{place.version}",
        "outcome": "done" if read.is_certain else "uncertain",
        "purpose": reader.purpose,
        "detail": {"grants": list(reader.grants), "columns": list(read.columns) if read.columns else None},
    }


@app.command("archive")
def archive_old(
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day whose entries stay, in UTC.")],
) -> None:
    """Move old entries to a file below GUANTONG_HOME/audit (归档); nothing younger than AUDIT_RETENTION_DAYS leaves."""
    with explained():
        settings = get_settings()
        retention = timedelta(days=settings.audit_retention_days)
        with session_scope() as session:
            detail = {"before": before.date().isoformat()}
            record(session, command_line(), "audit.archive", "audit", detail=detail)
            done = archive(session, Journal.of(audit_keys()), before.replace(tzinfo=UTC), retention=retention)
    typer.echo(f"{done.entries} entries archived: {done.path}." if done.path else "Nothing is old enough to archive.")


def _fields(entry: AuditEntry) -> dict[str, object]:
    return fields(entry, *_COLUMNS, *_MORE)


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None
