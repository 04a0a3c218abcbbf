"""Refusals join the audit (拒绝留痕): who was refused what, and why, recorded before the answer goes out."""

from fastapi import Request

from catalog.control.audit import record_alone
from catalog.model.caller import STRANGER, Caller
from catalog.service.configuration import Configuration

PATIENCE = 2.0


def record_refusal(request: Request, code: str) -> None:
    """Record that a request was refused; one without any credential is only in the access log.

    Raises:
        AuditUnavailableError: when it cannot be recorded; the reader then gets no answer but that.
    """
    who: Caller = getattr(request.state, "caller", STRANGER)
    if who is STRANGER:
        if not request.headers.get("authorization") and "recipient" not in request.query_params:
            return
        address = request.client.host if request.client else ""
        who = Caller("stranger", 0, "", "", address=address, request_id=getattr(request.state, "request_id", ""))
    settings: Configuration = request.app.state.configuration
    place = f"{request.method} {request.url.path}"
    record_alone(settings.control_url, who, "request.refuse", place, "refused", reason=code, patience=PATIENCE)
