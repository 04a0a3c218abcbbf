"""What the service answers when it cannot serve: the protocol's `{errorCode, message}`, and nothing of its inside."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from catalog.control.session import is_disconnect

logger = logging.getLogger(__name__)

_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 405: "METHOD_NOT_ALLOWED"}


class SharingError(Exception):
    """A request that is refused, with its HTTP status and a stable code."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


def not_found() -> SharingError:
    """Return the one answer for what does not exist and for what is not granted: they look the same."""
    return SharingError(
        404, "RESOURCE_DOES_NOT_EXIST", "There is no such share, schema, table or version for this recipient."
    )


def bad_request(message: str) -> SharingError:
    """Return the answer to a request that cannot be understood."""
    return SharingError(400, "INVALID_PARAMETER_VALUE", message)


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error answer in the protocol's form."""
    return JSONResponse({"errorCode": code, "message": message}, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Make the application answer every failure in the protocol's form."""
    app.add_exception_handler(SharingError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeoutError, _database)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SharingError)  # noqa: S101
    return problem(error.status, error.code, str(error), error.headers)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = _CODES.get(error.status_code, "BAD_REQUEST")
    return problem(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    places = sorted({".".join(str(part) for part in found["loc"]) for found in error.errors()})
    return problem(400, "INVALID_PARAMETER_VALUE", f"These values are not understood: {', '.join(places)}.")


async def _database(_request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and not is_disconnect(error):
        return await _unexpected(_request, error)
    logger.warning("the control database does not answer: %s", type(error).__name__)
    return problem(
        503, "TEMPORARILY_UNAVAILABLE", "The control database does not answer; try again shortly.", {"Retry-After": "2"}
    )


async def _unexpected(_request: Request, error: Exception) -> Response:
    logger.error("unexpected error", exc_info=error)
    return problem(500, "INTERNAL_ERROR", "The service failed; the operator finds the reason in its log.")
