"""The exchange service put together (服务装配)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import Semaphore
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI

from catalog.control.audit_journal import Journal
from catalog.control.audit_keys import audit_keys
from catalog.control.privileges import require_append_only
from catalog.control.recipients import count_active
from catalog.control.session import session_scope
from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from catalog.service import api, files, flags, health, listing, problems, reading
from catalog.service.access import SESSIONS
from catalog.service.audit import AccessMiddleware
from catalog.service.configuration import PREFIX, Configuration, configured
from catalog.service.identity import open_to_all, proven_elsewhere, recipients_only, require_declared
from catalog.service.rate_limit import SIGN_INS, RateLimit
from catalog.service.strangers import Strangers
from catalog.service.webhooks import Sender


class NoRecipientError(GuantongError):
    """Nobody holds a token that is in force; a service without tokens must not look open."""

    code = "NO_RECIPIENT"


def require_recipient(control_url: str) -> int:
    """Return how many recipients hold a token in force.

    Raises:
        NoRecipientError: When there is none.
    """
    with session_scope(control_url) as session:
        active = count_active(session)
    if not active:
        raise NoRecipientError(
            "the service does not start, because no recipient has a token that is in force",
            remedy="make one: python -m catalog recipients add NAME --department DEPARTMENT --share SHARE "
            '--purpose "WHY"',
        )
    return active


def require_protected_audit(control_url: str) -> None:
    """Accept a service that can write the audit and cannot change it.

    Raises:
        AuditUnprotectedError: when its database role could.
        JournalError: when checkpoints cannot be written.
    """
    with session_scope(control_url) as session:
        require_append_only(session.connection())
    Journal.of(audit_keys()).require_writable()


def create_app(configuration: Configuration | None = None) -> FastAPI:
    """Return the application; it refuses to start while nobody has a token, or without readable contracts."""
    chosen = configuration or configured()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_sync(require_protected_audit, chosen.control_url)
        await run_sync(require_recipient, chosen.control_url)
        get_registry().follow()
        sender = Sender(chosen.control_url, chosen.guard)
        strangers: Strangers = app.state.strangers
        sender.start()
        strangers.start()
        supervision = asyncio.create_task(sender.supervise())
        yield
        supervision.cancel()
        await run_sync(sender.stop)
        await run_sync(strangers.stop)

    app = FastAPI(
        title="Guantong exchange service (共享交换服务)",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.configuration = chosen
    app.state.sessions = Semaphore(SESSIONS)
    app.state.sign_ins = RateLimit(chosen.sign_ins_per_minute)
    app.state.sign_in_places = Semaphore(SIGN_INS)
    app.state.strangers = Strangers(chosen.control_url)
    problems.install(app)
    app.add_middleware(AccessMiddleware)
    app.include_router(health.router, dependencies=[Depends(open_to_all("a probe, which tells nothing"))])
    for module in (listing, flags, reading):
        app.include_router(module.router, prefix=PREFIX, dependencies=[Depends(recipients_only())])
    signed = proven_elsewhere("the address is signed for one recipient, file and hour")
    for router in (files.router, flags.files_router):
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(signed)])
    api.mount(app)
    require_declared(app)
    api.describe_requirements(app)
    return app
