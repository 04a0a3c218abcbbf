"""What the service answers when it cannot serve, and nothing of its inside.

Below `/api/` that is problem+json (`catalog.service.api_problems`); the sharing protocol has `{errorCode, message}`.
"""

import logging

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from catalog.control.closings import Closing
from catalog.control.session import is_disconnect
from catalog.control.tables import ShareVersion
from catalog.model.contract_problem import InvalidContractError
from catalog.model.errors import GuantongError
from catalog.service.api_problems import ProblemError, answer, language_of
from catalog.service.refusals import record_refusal

logger = logging.getLogger(__name__)

API = "/api/"

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


def refuse_closed(closing: Closing, current: ShareVersion | None) -> SharingError:
    """Return the answer to whoever would read a version that is not read any more: why, and what is read instead."""
    instead = (
        f"; version {current.version} is served now (现行版本)" if current else "; none is served now (暂无现行版本)"
    )
    status = 403 if closing.code in ("CONTRACT_REFUSED", "CONTRACT_INVALID") else 410
    return SharingError(status, closing.code, f"{closing.reason}{instead}.")


def bad_request(message: str) -> SharingError:
    """Return the answer to a request that cannot be understood."""
    return SharingError(400, "INVALID_PARAMETER_VALUE", message)


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error answer in the protocol's form."""
    return JSONResponse({"errorCode": code, "message": message}, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Make the application answer every failure in the form of the part it happened in."""
    app.add_exception_handler(SharingError, _refused)
    app.add_exception_handler(ProblemError, _api_refused)
    app.add_exception_handler(GuantongError, _explained)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(UnicodeEncodeError, _unstorable)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeoutError, _database)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SharingError)  # noqa: S101
    if error.status in (401, 403, 404, 409, 410):
        return await _recorded(request, error.code, problem(error.status, error.code, str(error), error.headers))
    return problem(error.status, error.code, str(error), error.headers)


async def _api_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101
    response = answer(request, error, **({} if _is_api(request) else _of_protocol(error)))
    return await _recorded(request, error.refusal, response) if error.refusal else response


def _of_protocol(error: ProblemError) -> dict[str, str]:
    """Return what readers of the sharing protocol look for in a refusal."""
    detail = error.kind.texts["en"]["detail"].format(**error.values)
    return {"errorCode": error.kind.code, "message": detail}


async def _recorded(request: Request, code: str, response: Response) -> Response:
    """Give the answer to a refusal after it was recorded."""
    try:
        await run_sync(record_refusal, request, code)
    except GuantongError as error:
        return await _explained(request, error)
    except (DBAPIError, PoolTimeoutError) as error:
        return await _database(request, error)
    return response


async def _explained(request: Request, error: Exception) -> Response:
    """Answer an error that a person can mend: its sentence, without places inside the service."""
    assert isinstance(error, GuantongError)  # noqa: S101
    if error.code == "AUDIT_UNAVAILABLE":
        logger.critical("%s", error)
        if _is_api(request):
            return answer(request, ProblemError("AUDIT_UNAVAILABLE", headers={"Retry-After": "30"}))
        return problem(503, "TEMPORARILY_UNAVAILABLE", "The audit cannot be written.", {"Retry-After": "30"})
    if isinstance(error, InvalidContractError):
        if _is_api(request):
            return answer(request, ProblemError("RULE_REFUSED", reason=error.told_to_readers), rule=error.code)
        return problem(403, error.code, error.told_to_readers)
    if error.code == "PASSWORDS_BUSY":
        return answer(request, ProblemError("PASSWORDS_BUSY", headers={"Retry-After": "3"}))
    if _is_api(request):
        remedy = f" ({error.remedy})" if error.remedy else ""
        refused = ProblemError("RULE_REFUSED", reason=f"{error.args[0]}{remedy}", about=error)
        return answer(request, refused, rule=error.code)
    return await _unexpected(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    if not _is_api(request):
        code = _CODES.get(error.status_code, "BAD_REQUEST")
        return problem(error.status_code, code, str(error.detail), headers)
    if error.status_code == 404:
        return answer(request, ProblemError("NOT_FOUND", noun="address"))
    if error.status_code == 405:
        return answer(request, ProblemError("METHOD_NOT_ALLOWED", headers=headers))
    return answer(request, ProblemError("MALFORMED_REQUEST", reason=str(error.detail)))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    places = ", ".join(sorted({".".join(str(part) for part in one["loc"]) for one in found}))
    if not _is_api(request):
        return problem(400, "INVALID_PARAMETER_VALUE", f"These values are not understood: {places}.")
    is_english = language_of(request.headers.get("accept-language", "")) == "en"
    wrong = [
        {
            "place": ".".join(str(part) for part in one["loc"]),
            "rule": one["type"],
            "message": one["msg"] if is_english else f"不符合要求：{one['type']}",
        }
        for one in found
    ]
    return answer(request, ProblemError("INVALID_REQUEST", places=places), errors=wrong)


async def _database(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and not is_disconnect(error):
        return await _unexpected(request, error)
    logger.warning("the control database does not answer: %s", type(error).__name__)
    if _is_api(request):
        return answer(request, ProblemError("TEMPORARILY_UNAVAILABLE", headers={"Retry-After": "2"}))
    return problem(
        503, "TEMPORARILY_UNAVAILABLE", "The control database does not answer; try again shortly.", {"Retry-After": "2"}
    )


async def _unstorable(request: Request, error: Exception) -> Response:
    """Answer a value that no database keeps, such as a text with NUL or half a character in it."""
    logger.warning("a value of a request cannot be kept: %s", type(error).__name__)
    return unreadable(request)


def unreadable(request: Request) -> Response:
    """Return the answer to a request with characters that no text has."""
    if _is_api(request):
        return answer(request, ProblemError("MALFORMED_REQUEST", reason="characters that no text has (无法保存的字符)"))
    return problem(400, "INVALID_PARAMETER_VALUE", "The request holds characters that no text has.")


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("unexpected error in request %s", getattr(request.state, "request_id", ""), exc_info=error)
    if _is_api(request):
        return answer(request, ProblemError("INTERNAL_ERROR"))
    return problem(500, "INTERNAL_ERROR", "The service failed; the operator finds the reason in its log.")


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(API)
