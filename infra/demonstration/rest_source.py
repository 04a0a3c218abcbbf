"""人社's paged interface (分页接口): insured persons and employers, for bearers of the token only.

``python -m infra.demonstration.rest_source`` serves it on the address of ``SOURCE_HUMAN_RESOURCES``. It starts before
any data exists, and shows each new day's data without a restart.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Query
from fastapi.responses import JSONResponse

from catalog.model.errors import SettingMissingError
from catalog.model.masked_output import secrets_hidden
from catalog.model.settings import Settings, get_settings
from infra.demonstration.lists import LISTS, list_path

MAX_PAGE_SIZE = 10_000


class ItemList:
    """One list, read again whenever its file was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._items: list[dict[str, Any]] = []
        self._changed: list[datetime] = []

    def items(self, since: datetime | None = None) -> list[dict[str, Any]]:
        """Return the items in order of record number, only those changed at or after ``since`` if given."""
        self._refresh()
        if since is None:
            return self._items
        return [item for item, changed in zip(self._items, self._changed, strict=True) if changed >= since]

    def _refresh(self) -> None:
        if not self._path.is_file():
            return
        state = self._path.stat()
        seen = (state.st_mtime_ns, state.st_ino)
        if seen == self._seen:
            return
        with self._path.open(encoding="utf-8") as file:
            items = sorted((json.loads(line) for line in file), key=lambda item: int(item["record_no"]))
        self._changed = [datetime.fromisoformat(item["changed_at"]) for item in items]
        self._items, self._seen = items, seen


def make_app(home: Path, token: str) -> FastAPI:
    """Return the interface over the lists below ``home``.

    Raises:
        SettingMissingError: when ``token`` is empty: without one nobody could be told apart from anybody.
    """
    if not token:
        raise SettingMissingError(
            "人社's interface has no token",
            place="SOURCE_HUMAN_RESOURCES_TOKEN",
            remedy="set the variable, or start the stack, which generates one",
        )
    app = FastAPI(title="human resources, demonstration", docs_url=None, redoc_url=None, openapi_url=None)
    lists = {name: ItemList(list_path(home, name)) for name in LISTS}

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", **{name: len(items.items()) for name, items in lists.items()}}

    @app.get("/v1/{name}")
    def page_of(
        name: str,
        page: Annotated[int, Query(ge=1)] = 1,
        page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 1000,
        changed_since: datetime | None = None,
        authorization: Annotated[str, Header()] = "",
    ) -> JSONResponse:
        expected = f"Bearer {token}".encode()
        if not secrets.compare_digest(authorization.encode(), expected):
            raise HTTPException(401, "a valid bearer token is needed", {"WWW-Authenticate": "Bearer"})
        if name not in lists:
            raise HTTPException(404, f"no list {name}; there are {', '.join(lists)}")
        if changed_since is not None and changed_since.tzinfo is None:
            raise HTTPException(422, "changed_since needs a zone, such as 2026-01-31T08:00:00+08:00")
        items = lists[name].items(changed_since)
        start = (page - 1) * page_size
        answer = {"total": len(items), "page": page, "page_size": page_size, "items": items[start : start + page_size]}
        return JSONResponse(answer)

    return app


def serve(settings: Settings) -> None:
    """Serve until ended, on loopback, at the port of ``SOURCE_HUMAN_RESOURCES``."""
    address = urlsplit(settings.source("human_resources"))
    app = make_app(settings.home, settings.source_token("human_resources"))
    uvicorn.run(app, host=address.hostname or "127.0.0.1", port=address.port or 80, log_level="warning")


def main() -> None:
    """Serve 人社's paged interface (GET /v1/insured-persons, GET /v1/insured-employers) until ended.

    Address and token come from SOURCE_HUMAN_RESOURCES and SOURCE_HUMAN_RESOURCES_TOKEN.
    """
    try:
        serve(get_settings())
    except SettingMissingError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    with secrets_hidden():
        typer.run(main)
