"""Reading a shared table (读取共享表): its version, its schema, and the addresses of its files."""

import time
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from catalog.control.deliveries import record_delivery
from catalog.control.grant_use import reading_of, receipt_of
from catalog.control.table_reads import record_table_read
from catalog.control.tables import ShareVersion
from catalog.service.access import CurrentConfiguration, CurrentRecipient, Database, GrantedVersions, TableVersions
from catalog.service.actions import TableAnswer
from catalog.service.capabilities import HEADER, file_id_headers, response_format
from catalog.service.configuration import PREFIX
from catalog.service.grant_limits import require_granted_columns, take_quota
from catalog.service.problems import SharingError, bad_request, not_found
from catalog.service.signing import FileTicket
from catalog.service.snapshots import DataFile, published_snapshot

router = APIRouter(prefix="/shares/{share}/schemas/{schema}/tables/{table}")

Capabilities = Annotated[str | None, Header(alias=HEADER)]
FileIdHash = Annotated[str | None, Header(alias="fileidhash")]
NumberOfVersion = Annotated[int | None, Query(alias="version", ge=0)]
Timestamp = Annotated[str | None, Query(alias="timestamp", max_length=64)]


class TableQuery(BaseModel):
    """The body of a query; predicates are hints that a server may leave aside, and this one does."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    predicate_hints: list[str] | None = None
    json_predicate_hints: str | None = None
    limit_hint: int | None = Field(default=None, ge=0)
    version: int | None = Field(default=None, ge=0)
    timestamp: str | None = Field(default=None, max_length=64)
    starting_version: int | None = None
    ending_version: int | None = None

    @property
    def is_of_changes(self) -> bool:
        """Whether what changed between versions is asked for."""
        return self.starting_version is not None or self.ending_version is not None


@router.get("/version")
@router.head("")
def table_version(
    versions: GrantedVersions,
    starting_timestamp: Annotated[str | None, Query(alias="startingTimestamp", max_length=64)] = None,
) -> Response:
    """Answer the number of the served version, or of the first one published at or after a moment."""
    chosen = versions.served() if starting_timestamp is None else _first_since(versions, starting_timestamp)
    return Response(headers={"Delta-Table-Version": str(chosen.version)}, media_type="application/json")


@router.get("/metadata")
def table_metadata(
    session: Database,
    who: CurrentRecipient,
    versions: GrantedVersions,
    version: NumberOfVersion = None,
    timestamp: Timestamp = None,
    capabilities: Capabilities = None,
) -> Response:
    """Answer schema and size of a version."""
    chosen = _choose(versions, version, timestamp)
    answer = _answer(chosen, capabilities)
    require_granted_columns(session, reading_of(session, who.id, chosen), chosen, answer.snapshot)
    return table_lines(answer, answer.head())


@router.post("/query")
def query_table(
    session: Database,
    who: CurrentRecipient,
    versions: GrantedVersions,
    settings: CurrentConfiguration,
    query: TableQuery | None = None,
    capabilities: Capabilities = None,
    fileidhash: FileIdHash = None,
) -> Response:
    """Answer the files of a version under signed addresses, once quota is taken and the receipt written."""
    query = query or TableQuery()
    if query.is_of_changes:
        versions.served()
        raise changes_unsupported()
    chosen = _choose(versions, query.version, query.timestamp)
    answer = _answer(chosen, capabilities)
    reading = reading_of(session, who.id, chosen)
    require_granted_columns(session, reading, chosen, answer.snapshot)
    files = answer.snapshot.enough_for(query.limit_hint)
    expires = int(time.time()) + settings.address_seconds

    def address(file: DataFile) -> str:
        ticket = FileTicket(chosen.id, file.id, who.id, expires)
        return settings.service_url.rstrip("/") + PREFIX + settings.signer.path(ticket)

    headers = file_id_headers(fileidhash)
    rows = sum(file.rows or 0 for file in files)
    grant = take_quota(session, reading, chosen, files)
    detail: dict[str, int | str] = {"rows": rows, "files": len(files), **({"grant": grant} if grant else {})}
    record_table_read(session, who, chosen, reading, "share.query", detail)
    record_delivery(session, who.id, chosen, "query", rows=rows, **receipt_of(reading))
    return table_lines(answer, [*answer.head(), *answer.files(files, address, expires)], headers)


@router.get("/changes")
def table_changes(versions: GrantedVersions) -> Response:
    """Refuse: changes between versions are not handed out; of what is not read, say why."""
    versions.served()
    raise changes_unsupported()


def _answer(version: ShareVersion, capabilities: str | None) -> TableAnswer:
    snapshot = published_snapshot(version)
    return TableAnswer(version, snapshot, response_format(capabilities, plain=not snapshot.reader_features))


def table_lines(answer: TableAnswer, lines: list[str], headers: dict[str, str] | None = None) -> Response:
    """Return lines of an answer under the headers of the protocol."""
    return Response(
        "".join(f"{line}\n" for line in lines),
        media_type="application/x-ndjson; charset=utf-8",
        headers={
            "Delta-Table-Version": str(answer.version.version),
            HEADER: f"responseformat={answer.form}",
            **(headers or {}),
        },
    )


def _choose(versions: TableVersions, number: int | None, timestamp: str | None) -> ShareVersion:
    """Return the served version, the one with a number, or the one that was served at a moment.

    Raises:
        SharingError: 404 when there is none, 410 or 403 when it is not read any more: none takes its place.
    """
    if number is not None and timestamp is not None:
        raise bad_request("Ask for a version or for a timestamp, not for both.")
    if number is not None:
        matching = [version for version in versions.granted if version.version == number]
    elif timestamp is not None:
        moment = _moment(timestamp)
        matching = [version for version in versions.granted if version.published_at <= moment]
    else:
        return versions.served()
    if not matching:
        raise not_found()
    return versions.opened(matching[-1])


def _first_since(versions: TableVersions, timestamp: str) -> ShareVersion:
    moment = _moment(timestamp)
    for version in versions.readable:
        if version.published_at >= moment:
            return version
    raise bad_request("No version was published at or after startingTimestamp.")


def _moment(text: str) -> datetime:
    """Return an ISO 8601 moment, which must name its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_request("A timestamp looks like 2026-01-31T08:00:00Z.") from error
    if moment.tzinfo is None:
        raise bad_request("A timestamp must name its zone, as in 2026-01-31T08:00:00Z.")
    return moment


def changes_unsupported() -> SharingError:
    """Return the refusal to whoever asks for changes between versions."""
    return SharingError(
        400,
        "UNSUPPORTED_OPERATION",
        "Changes between versions are not shared for this table; read a version as a whole.",
    )
