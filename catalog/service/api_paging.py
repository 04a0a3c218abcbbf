"""Pages of long lists (分页): a cursor says after which item a page begins, so pages neither skip nor repeat."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request

from catalog.service.api_problems import ProblemError

LARGEST_PAGE = 500

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page:
    """Which page of a list is asked for."""

    limit: int
    after: int | str | None
    """Key of the last item of the page before."""
    query: str
    """What the cursor belongs to: the address with its filters."""

    def number(self) -> int:
        """Return the key after which the page begins, of a list with numbers; 0 for the first page."""
        if self.after is not None and not isinstance(self.after, int):
            raise ProblemError("CURSOR_INVALID")
        return self.after or 0

    def text(self) -> str:
        """Return the key after which the page begins, of a list with texts; empty for the first page."""
        if self.after is not None and not isinstance(self.after, str):
            raise ProblemError("CURSOR_INVALID")
        return self.after or ""

    def answer(
        self, found: Sequence[Item], key: Callable[[Item], int | str], render: Callable[[Item], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return a page, made of up to `limit + 1` items that were found after the cursor, in order of key."""
        chosen = found[: self.limit]
        answer: dict[str, Any] = {"items": [render(item) for item in chosen]}
        if len(found) > self.limit:
            answer["next"] = encode(self.query, key(chosen[-1]))
        return answer


async def page_of(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="At most so many items.")] = 100,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
) -> Page:
    """Return the page that a request asks for.

    Raises:
        ProblemError: when the cursor is not one of this query.
    """
    query = _query(request)
    return Page(limit, decode(query, cursor) if cursor else None, query)


CurrentPage = Annotated[Page, Depends(page_of)]


def encode(query: str, after: int | str) -> str:
    """Return the cursor of the page after a key.

    >>> decode("/people?", encode("/people?", 7))
    7
    """
    return base64.urlsafe_b64encode(json.dumps([_mark(query), after]).encode()).decode().rstrip("=")


def decode(query: str, cursor: str) -> int | str:
    """Return the key in a cursor.

    Raises:
        ProblemError: when it is no cursor, or one of another query.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, after = json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, TypeError) as error:
        raise ProblemError("CURSOR_INVALID") from error
    sound = isinstance(after, str) or (isinstance(after, int) and 0 <= after < 2**63)
    if mark != _mark(query) or not sound or isinstance(after, bool) or "\0" in str(after):
        raise ProblemError("CURSOR_INVALID")
    found: int | str = after
    return found


def _query(request: Request) -> str:
    filters = sorted((name, value) for name, value in request.query_params.multi_items() if name not in _OWN)
    return f"{request.url.path}?{filters}"


_OWN = ("limit", "cursor")


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode(errors="surrogatepass")).hexdigest()[:12]
