"""Shares, schemas and tables (共享目录) as one recipient sees them: only what it is granted exists."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from catalog.control.item_flags import flagged_tables
from catalog.control.recipients import readable_tables
from catalog.control.tables import ShareVersion
from catalog.service.access import CurrentRecipient, Database
from catalog.service.flag_files import SUFFIX
from catalog.service.paging import page
from catalog.service.problems import not_found

router = APIRouter()

MaxResults = Annotated[int | None, Query(alias="maxResults", ge=0)]
PageToken = Annotated[str | None, Query(alias="pageToken", max_length=2000)]


@router.get("/shares")
def list_shares(
    session: Database, who: CurrentRecipient, max_results: MaxResults = None, page_token: PageToken = None
) -> dict[str, Any]:
    """List the shares that hold something for the caller."""
    names = {table.share for table in (*readable_tables(session, who.id), *flagged_tables(session, who.id))}
    return page(list(names), str, lambda name: {"name": name}, max_results, page_token)


@router.get("/shares/{share}")
def get_share(session: Database, who: CurrentRecipient, share: str) -> dict[str, Any]:
    """Return one share."""
    return {"share": {"name": _in_share(session, who, share)[0].share}}


@router.get("/shares/{share}/schemas")
def list_schemas(
    session: Database,
    who: CurrentRecipient,
    share: str,
    max_results: MaxResults = None,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """List the schemas of a share."""
    tables = _in_share(session, who, share)
    names = {table.schema_name for table in tables}
    shared = tables[0].share
    return page(list(names), str, lambda name: {"name": name, "share": shared}, max_results, page_token)


@router.get("/shares/{share}/schemas/{schema}/tables")
def list_tables(
    session: Database,
    who: CurrentRecipient,
    share: str,
    schema: str,
    max_results: MaxResults = None,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """List the tables of a schema."""
    tables = [table for table in _named(session, who, share) if table["schema"] == schema.lower()]
    if not tables:
        raise not_found()
    return page(tables, _name, dict, max_results, page_token)


@router.get("/shares/{share}/all-tables")
def list_all_tables(
    session: Database,
    who: CurrentRecipient,
    share: str,
    max_results: MaxResults = None,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """List the tables of all schemas of a share."""
    return page(_named(session, who, share), _name, dict, max_results, page_token)


def _named(session: Database, who: CurrentRecipient, share: str) -> list[dict[str, Any]]:
    """Return the tables of a share, and beside each the flags of its values (存疑标识)."""
    flagged = [table for table in flagged_tables(session, who.id) if table.share == share.lower()]
    readable = [table for table in readable_tables(session, who.id) if table.share == share.lower()]
    if not flagged and not readable:
        raise not_found()
    return [*map(_render, readable), *(_render(table, SUFFIX) for table in flagged)]


def _in_share(session: Database, who: CurrentRecipient, share: str) -> Sequence[ShareVersion]:
    known = [*readable_tables(session, who.id), *flagged_tables(session, who.id)]
    tables = [table for table in known if table.share == share.lower()]
    if not tables:
        raise not_found()
    return tables


def _name(table: dict[str, Any]) -> str:
    return f"{table['schema']}.{table['name']}"


def _render(table: ShareVersion, suffix: str = "") -> dict[str, Any]:
    name = f"{table.table_name}{suffix}"
    return {
        "name": name,
        "schema": table.schema_name,
        "share": table.share,
        "id": f"{table.share}.{table.schema_name}.{name}",
    }
