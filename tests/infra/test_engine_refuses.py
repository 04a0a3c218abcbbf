"""A client of the engine is told why it is not let in, and at once where trying again helps nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from catalog.model.settings import get_settings
from jobs.runtime.spark import SparkUnavailableError, connect

TOKEN = "GeheimesZeichen-1"


class Refusing(grpc.GenericRpcHandler):
    """Refuses every question as Spark Connect does with a wrong token."""

    def service(self, details):
        del details

        def refuse(_request, context):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"Invalid authentication token {TOKEN}")

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
def refusing() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Refusing()])
    port = server.add_secure_port("localhost:0", grpc.local_server_credentials())
    server.start()
    yield f"sc://localhost:{port}/;token={TOKEN}"
    server.stop(None)


def test_a_wrong_token_is_told_at_once_and_not_repeated(refusing, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.setenv("SPARK_REMOTE", refusing)
    get_settings.cache_clear()
    began = time.monotonic()
    try:
        with pytest.raises(SparkUnavailableError) as caught:
            connect()
    finally:
        get_settings.cache_clear()
    assert time.monotonic() - began < 60
    told = str(caught.value)
    assert "does not let us in" in told and "Invalid authentication token" in told and "with its token" in told
    assert TOKEN not in told
