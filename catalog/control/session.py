"""Connections to the control plane (管控库), patient with a database that restarts."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

import psycopg
from sqlalchemy import Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from catalog.model.settings import get_settings

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 30.0
"""How long work that runs by itself waits for a database that does not answer."""

WATCHED_SECONDS = 3.0
"""How long a command waits before which a person sits."""

UNPROVEN_SECONDS = 1.0
"""How long a connection of a service may lie idle and still be taken for alive."""

Result = TypeVar("Result")

_patience: ContextVar[float] = ContextVar("patience", default=PATIENCE_SECONDS)

_HOPELESS = ("password authentication failed", "does not exist", "no password supplied", "not permitted")


@lru_cache(maxsize=8)
def engine(url: str, patience: float = PATIENCE_SECONDS) -> Engine:
    """Return the one engine of this process for a database, opening nothing yet.

    Args:
        url: `postgresql+psycopg://user:password@host:port/database`.
        patience: Seconds for which a new connection is tried again while the server is away.
    """
    made = create_engine(
        url,
        pool_size=5,
        max_overflow=10,
        pool_recycle=1800,
        pool_timeout=max(patience, 5.0),
        hide_parameters=True,
        connect_args={"connect_timeout": min(5, max(2, int(patience))), "application_name": "guantong"},
    )

    @event.listens_for(made, "do_connect")
    def connect(
        dialect: Dialect, _record: ConnectionPoolEntry, cargs: tuple[str, ...], cparams: dict[str, str]
    ) -> DBAPIConnection:
        return _connect_patiently(lambda: dialect.connect(*cargs, **cparams), patience)

    _prove_idle_connections(made, UNPROVEN_SECONDS if patience < WATCHED_SECONDS else 0.0)
    return made


@lru_cache(maxsize=8)
def reading_engine(url: str, patience: float = PATIENCE_SECONDS) -> Engine:
    """Return the same engine for statements that each stand alone: no BEGIN and no COMMIT are sent."""
    return engine(url, patience).execution_options(isolation_level="AUTOCOMMIT")


def _prove_idle_connections(made: Engine, unproven: float) -> None:
    """Have a connection that lay idle for longer prove that it still lives before it is used.

    Commands always ask. A service, which is impatient because its readers try again, does not ask one used a moment
    ago: under load the question would be a quarter of all statements.
    """

    @event.listens_for(made, "checkin")
    def note(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(made, "checkout")
    def prove(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        now = time.monotonic()
        if "idle_since" not in record.info or now - record.info["idle_since"] < unproven:
            return
        try:
            made.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise DisconnectionError("the connection died while it lay idle") from error


def _connect_patiently(connect: Callable[[], DBAPIConnection], patience: float) -> DBAPIConnection:
    """Open a connection, trying again with growing pauses while the server starts or is away."""
    deadline = time.monotonic() + patience
    pause = 0.1
    while True:
        try:
            return connect()
        except psycopg.OperationalError as error:
            hopeless = any(words in str(error) for words in _HOPELESS)
            if hopeless or time.monotonic() + pause > deadline:
                raise
            logger.info("the control database does not answer yet, trying again in %.1f s", pause)
            time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 1.6, 3.0)


def configured_url() -> str:
    """Return CONTROL_URL from the settings, or say what to do when there is none."""
    return get_settings().require("control_url")


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Have transactions inside the block wait so long for a database that is away, unless they say otherwise."""
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


@contextmanager
def session_scope(url: str | None = None, *, patience: float | None = None) -> Iterator[Session]:
    """Open one transaction: committed at the end, rolled back on any error.

    Objects read inside stay readable afterwards.

    Args:
        url: The database; the configured control plane when not given.
        patience: Seconds to wait for a database that is away; default as :func:`waiting_at_most` has it, else 30.
    """
    seconds = _patience.get() if patience is None else patience
    with Session(engine(url or configured_url(), seconds), expire_on_commit=False) as session, session.begin():
        yield session


def in_transaction(
    work: Callable[[Session], Result], url: str | None = None, *, patience: float | None = None
) -> Result:
    """Do repeatable work in one transaction, again when the connection broke under it.

    Args:
        work: What to do with the session; it must be safe to do twice.
        url: The database; the configured control plane when not given.
        patience: Seconds to wait for a database that is away; default as for :func:`session_scope`.

    Returns:
        What the work returned.
    """
    attempts = 3
    for attempt in range(1, attempts + 1):
        try:
            with session_scope(url, patience=patience) as session:
                return work(session)
        except DBAPIError as error:
            if attempt == attempts or not is_disconnect(error):
                raise
            logger.info("the connection to the control database broke, doing it again")
    raise AssertionError("unreachable")


def is_disconnect(error: DBAPIError) -> bool:
    """Tell whether an error means a broken connection or a database that is away, not a mistake in the statement."""
    return error.connection_invalidated or isinstance(error, OperationalError)


def describe(url: str) -> str:
    """Return a database address without its password, for messages.

    >>> describe("postgresql+psycopg://control:secret@127.0.0.1:5433/control")
    'postgresql+psycopg://control:***@127.0.0.1:5433/control'
    """
    return make_url(url).render_as_string(hide_password=True)
