"""A client of the engine is told why it is not let in, and at once where trying again helps nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from catalog.model.settings import CHECKOUT

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


ASK = """
from jobs.runtime.spark import SparkUnavailableError, connect
try:
    connect()
except SparkUnavailableError as error:
    print(error)
"""
"""In a process of its own: one that talks to the engine already would go on with the session that it has."""


def test_a_wrong_token_is_told_at_once_and_not_repeated(refusing, tmp_path) -> None:
    began = time.monotonic()
    environment = {**os.environ, "GUANTONG_HOME": str(tmp_path), "SPARK_REMOTE": refusing}
    asked = [sys.executable, "-c", ASK]
    told = subprocess.run(asked, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=100).stdout
    assert time.monotonic() - began < 60
    assert "does not let us in" in told and "Invalid authentication token" in told and "with its token" in told
    assert TOKEN not in told
