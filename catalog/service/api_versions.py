"""Versions of what is read and changed (并发控制): an ETag with each answer, If-Match with each change (RFC 9110)."""

import hashlib
from typing import Annotated

from fastapi import Header, Request, Response

from catalog.service.api_problems import ProblemError

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=200, description="The ETag of the version that was read.")
]
"""What an endpoint that changes something declares; pass it to `require_match`."""


def etag(noun: str, number: int, revision: int) -> str:
    """Return the ETag of an object's revision.

    >>> etag("person", 7, 3)
    '"person-7-3"'
    """
    return f'"{noun}-{number}-{revision}"'


def content_etag(content: bytes) -> str:
    """Return the ETag of a document.

    >>> content_etag(b"x")
    '"2d711642b726b044"'
    """
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def require_match(if_match: str | None, current: str) -> None:
    """Accept a change to the version that the caller has read.

    Raises:
        ProblemError: 428 when the request names none, 412 when another change came first.
    """
    if if_match is None:
        raise ProblemError("PRECONDITION_REQUIRED")
    if if_match.strip() != "*" and current not in _tags(if_match):
        raise ProblemError("PRECONDITION_FAILED", headers={"ETag": current})


def unchanged(request: Request, current: str) -> Response | None:
    """Return 304 when the reader has this version already (If-None-Match)."""
    known = request.headers.get("if-none-match", "")
    if current in {tag.removeprefix("W/") for tag in _tags(known)}:
        return Response(status_code=304, headers={"ETag": current})
    return None


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
