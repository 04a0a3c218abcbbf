"""`<table>_flags` (存疑标识表): which values of a shared table are doubted now, under the grant of that table.

It is served by the sharing protocol beside its table, written when it is asked for: a doubt is in the next answer. It
has no versions of its own and shows what is doubted in the version that is served.
"""

import time
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse
from starlette.convertors import StringConvertor, register_url_convertor

from catalog.control.base import utc_now
from catalog.control.deliveries import record_delivery
from catalog.control.item_flags import FlagScope, flag_scopes, flagged_tables
from catalog.control.recipients import find_active
from catalog.control.table_reads import record_flag_read
from catalog.control.tables import ShareVersion
from catalog.model.registry import get_registry
from catalog.service.access import CurrentConfiguration, CurrentRecipient, Database, known_recipient
from catalog.service.actions import TableAnswer
from catalog.service.capabilities import HEADER, file_id_headers, response_format
from catalog.service.configuration import PREFIX
from catalog.service.files import SignedTicket
from catalog.service.flag_files import SUFFIX, flag_file, flag_snapshot, told_flags
from catalog.service.problems import SharingError, bad_request, not_found
from catalog.service.reading import TableQuery, changes_unsupported, table_lines
from catalog.service.signing import FileTicket
from catalog.service.snapshots import DataFile


class _FlagsConvertor(StringConvertor):
    """Takes a name that ends like that of a table of flags, in whichever case."""

    regex = "[^/]*_[fF][lL][aA][gG][sS]"


register_url_convertor("flags", _FlagsConvertor())

router = APIRouter(prefix="/shares/{share}/schemas/{schema}/tables/{table:flags}")
files_router = APIRouter()

Capabilities = Annotated[str | None, Header(alias=HEADER)]
FileIdHash = Annotated[str | None, Header(alias="fileidhash")]


@router.get("/version")
@router.head("")
def flags_version(session: Database, who: CurrentRecipient, share: str, schema: str, table: str) -> Response:
    """Answer a number that rises from one second to the next, as the flags have no versions."""
    _granted(session, who.id, share, schema, table)
    return Response(headers={"Delta-Table-Version": str(int(time.time()))}, media_type="application/json")


@router.get("/metadata")
def flags_metadata(
    session: Database, who: CurrentRecipient, share: str, schema: str, table: str, capabilities: Capabilities = None
) -> Response:
    """Answer schema and size."""
    version, scopes = _granted(session, who.id, share, schema, table)
    answer = _answer(session, version, scopes, capabilities)
    return table_lines(answer, answer.head())


@router.post("/query")
def query_flags(
    session: Database,
    who: CurrentRecipient,
    settings: CurrentConfiguration,
    share: str,
    schema: str,
    table: str,
    query: TableQuery | None = None,
    capabilities: Capabilities = None,
    fileidhash: FileIdHash = None,
) -> Response:
    """Answer the file of the flags that stand now under a signed address, once the reading is on record."""
    query = query or TableQuery()
    if query.is_of_changes:
        raise changes_unsupported()
    if query.version is not None or query.timestamp is not None:
        raise bad_request("Flags have no versions: ask without version and timestamp for those that stand now.")
    version, scopes = _granted(session, who.id, share, schema, table)
    answer = _answer(session, version, scopes, capabilities)
    files, expires = answer.snapshot.enough_for(query.limit_hint), int(time.time()) + settings.address_seconds

    def address(file: DataFile) -> str:
        ticket = FileTicket(version.id, file.id, who.id, expires)
        return settings.service_url.rstrip("/") + PREFIX + settings.signer.path(ticket, "flag-files")

    rows = sum(file.rows or 0 for file in files)
    purposes = sorted({scope.purpose for scope in scopes})
    record_flag_read(session, who, version, SUFFIX, purposes, rows)
    record_delivery(session, who.id, answer.version, "query", rows=rows, purpose="; ".join(purposes))
    lines = [*answer.head(), *answer.files(files, address, expires)]
    return table_lines(answer, lines, file_id_headers(fileidhash))


@router.get("/changes")
def flags_changes() -> Response:
    """Refuse: changes are not handed out."""
    raise changes_unsupported()


@files_router.head("/flag-files/{version_id}/{file_id}.parquet", operation_id="probe_flag_file")
@files_router.get("/flag-files/{version_id}/{file_id}.parquet", operation_id="read_flag_file")
def read_flag_file(request: Request, session: Database, ticket: SignedTicket) -> FileResponse:
    """Hand out the file to whom it was written for, as long as no less may be told than then."""
    recipient, file_id = ticket.recipient_id, ticket.file_id
    known_recipient(request, recipient, "", "")
    active = find_active(session, recipient)
    version = next((one for one in flagged_tables(session, recipient) if one.id == ticket.version_id), None)
    path = (
        flag_file(session, version, flag_scopes(session, recipient, version), file_id) if active and version else None
    )
    if path is None:
        raise SharingError(403, "ADDRESS_REFUSED", "The grant or version behind this address has ended.")
    request.state.recipient = f"#{recipient}"
    return FileResponse(path, media_type="application/octet-stream")


def _granted(
    session: Database, recipient_id: int, share: str, schema: str, table: str
) -> tuple[ShareVersion, list[FlagScope]]:
    """Return the served version of the table that has the flags, and under which grants they may be told.

    Raises:
        SharingError: 404 when there is none; the answer does not tell missing from not granted.
    """
    place = (share.lower(), schema.lower(), table.lower().removesuffix(SUFFIX))
    for version in flagged_tables(session, recipient_id):
        if (version.share, version.schema_name, version.table_name) == place:
            return version, flag_scopes(session, recipient_id, version)
    raise not_found()


def _answer(session: Database, version: ShareVersion, scopes: list[FlagScope], capabilities: str | None) -> TableAnswer:
    contract = get_registry().get(version.resource)
    flags = told_flags(session, contract, version, scopes)
    snapshot = flag_snapshot(session, version, contract.key[0], scopes, flags)
    shown = ShareVersion(
        share=version.share,
        schema_name=version.schema_name,
        table_name=f"{version.table_name}{SUFFIX}",
        version=int(time.time()),
        published_at=utc_now(),
    )
    return TableAnswer(shown, snapshot, response_format(capabilities, plain=True))
