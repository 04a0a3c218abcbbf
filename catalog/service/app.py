"""The exchange service put together (服务装配)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import run_sync
from fastapi import FastAPI

from catalog.control.recipients import count_active
from catalog.control.session import session_scope
from catalog.model.errors import GuantongError
from catalog.service import files, health, listing, problems, reading, resources
from catalog.service.audit import AccessMiddleware
from catalog.service.configuration import PREFIX, Configuration, configured


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


def create_app(configuration: Configuration | None = None) -> FastAPI:
    """Return the application; it refuses to start while nobody has a token."""
    chosen = configuration or configured()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_sync(require_recipient, chosen.control_url)
        yield

    app = FastAPI(title="Guantong exchange service", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.configuration = chosen
    problems.install(app)
    app.add_middleware(AccessMiddleware)
    app.include_router(health.router)
    app.include_router(resources.router)
    for module in (listing, reading, files):
        app.include_router(module.router, prefix=PREFIX)
    return app
