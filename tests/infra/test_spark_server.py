"""The Spark Connect server: who may talk to it, where it listens, what it is started with."""

import uuid

import grpc
import psutil
import pytest
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.proto import AnalyzePlanRequest
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

from infra.stack import read_status
from infra.stack.class_archive import archive_path
from infra.stack.home import Home
from infra.stack.ports import LOOPBACK
from infra.stack.spark_server import JAVA_OPTIONS, start_command


def ask_version(remote: str) -> str:
    """Ask for the version by the bare protocol: pyspark's own client stays behind and retries at exit."""
    with DefaultChannelBuilder(remote).toChannel() as channel:
        request = AnalyzePlanRequest(session_id=str(uuid.uuid4()), spark_version=AnalyzePlanRequest.SparkVersion())
        return SparkConnectServiceStub(channel).AnalyzePlan(request, timeout=60).spark_version.version


def test_a_client_without_the_token_is_refused(stack):
    address, token = stack.spark_remote.split("/;token=")
    assert len(token) >= 32
    for remote in (address, f"{address}/;token=wrong"):
        with pytest.raises(grpc.RpcError) as caught:
            ask_version(remote)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert ask_version(stack.spark_remote).startswith("4.1")


def test_listens_on_loopback_only_and_keeps_the_token_off_the_command_line(stack):
    (entry,) = [found for found in read_status(Home(stack.home)) if found.name == "spark"]
    process = psutil.Process(entry.pid)
    listening = {c.laddr.ip.removeprefix("::ffff:") for c in process.net_connections("all") if c.status == "LISTEN"}
    assert listening == {LOOPBACK}
    assert stack.spark_remote.split("token=")[1] not in " ".join(process.cmdline())


def test_the_server_is_set_up_for_the_lake(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    assert spark.conf.get("spark.databricks.delta.snapshotPartitions") == "2"
    for name in ("spark.delta.logStore.file.impl", "spark.hadoop.fs.file.impl"):
        assert spark.conf.get(name).startswith("guantong.lake.")


def test_the_archive_is_used_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv(JAVA_OPTIONS, "-XX:TieredStopAtLevel=1")
    command = start_command(Home(tmp_path), 1)
    assert (f"-XX:SharedArchiveFile={archive_path()}" in command) == archive_path().exists()
    assert command.index("-XX:TieredStopAtLevel=1") < command.index("org.apache.spark.deploy.SparkSubmit")
