"""Refusals join the audit (拒绝留痕): who was refused what, and why, recorded before the answer goes out."""

from fastapi import Request

from catalog.control.audit import record_alone
from catalog.model.caller import STRANGER, Caller
from catalog.service.configuration import DATABASE_PATIENCE, configuration
from catalog.service.strangers import stranger, strangers_of


def record_refusal(request: Request, code: str) -> None:
    """Record that a request was refused; one without any credential is only in the access log.

    Raises:
        AuditUnavailableError: when it cannot be recorded; the reader then gets no answer but that.
    """
    who: Caller = getattr(request.state, "caller", STRANGER)
    place = f"{request.method} {request.url.path}"
    if who is not STRANGER:
        url = configuration(request).control_url
        record_alone(url, who, "request.refuse", place, "refused", reason=code, patience=DATABASE_PATIENCE)
    elif request.headers.get("authorization") or "recipient" in request.query_params:
        strangers_of(request).refused(stranger(request), "request.refuse", place, code)
