"""Ways to see that a process is well (健康检查)."""

from __future__ import annotations

import http.client
import socket

from infra.stack.ports import LOOPBACK
from infra.stack.process import Probe


def tcp(port: int) -> Probe:
    """Return a probe that is content when ``port`` accepts a connection."""

    def probe(started: float) -> str | None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=3).close()
        except OSError as error:
            return f"port {port}: {error.strerror or error}"
        return None

    return probe


def http_ok(port: int, path: str) -> Probe:
    """Return a probe that is content when ``GET path`` answers with a status below 400."""

    def probe(started: float) -> str | None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except OSError as error:
            return f"GET {path}: {error.strerror or error}"
        finally:
            connection.close()
        return None if status < 400 else f"GET {path} answered {status}"

    return probe


def heartbeat(url: str, job_type: str, *, most_seconds: float = 30.0) -> Probe:
    """Return a probe that is content with a fresh heartbeat of an Airflow job, newer than the process.

    Args:
        url: address of Airflow's metadata database.
        job_type: ``SchedulerJob``, ``TriggererJob`` or ``DagProcessorJob``.
        most_seconds: how old the heartbeat may be.
    """

    def probe(started: float) -> str | None:
        import psycopg

        question = """
            SELECT extract(epoch FROM max(latest_heartbeat)), extract(epoch FROM now()) FROM job
            WHERE job_type = %s AND state = 'running' AND latest_heartbeat >= to_timestamp(%s)
        """
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                row = connection.execute(question, (job_type, started)).fetchone()
        except psycopg.Error as error:
            return str(error).strip().splitlines()[-1]
        if row is None or row[0] is None:
            return "no heartbeat yet"
        age = float(row[1]) - float(row[0])
        return None if age <= most_seconds else f"last heartbeat {age:.0f} s ago"

    return probe
