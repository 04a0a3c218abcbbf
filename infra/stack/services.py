"""The project's own servers: the exchange service and the demonstration department (服务)."""

from __future__ import annotations

import hashlib

from infra.stack.home import CHECKOUT, MIGRATED, Home, python, write_private
from infra.stack.ports import LOOPBACK
from infra.stack.postgres import Postgres, cluster_identity
from infra.stack.probes import http_ok
from infra.stack.process import ProcessSpec, Table

MIGRATIONS = CHECKOUT / "infra" / "migrations"


def service_processes(home: Home, postgres: Postgres, ports: dict[str, int]) -> Table:
    """Return the entries of the process table: the control plane's migration, then the servers."""
    stamp = home.root / MIGRATED

    def wanted() -> str:
        return f"{migrations_digest()} {cluster_identity(postgres)}"

    return [
        ProcessSpec(
            name="control-migrate",
            title="Control plane's tables (控制面迁移)",
            command=lambda: python("-m", "catalog", "migrate"),
            after=("postgres",),
            once=True,
            unneeded=lambda: stamp.exists() and stamp.read_text() == wanted(),
            when_done=lambda: write_private(stamp, wanted()),
        ),
        ProcessSpec(
            name="recipient",
            title="First receiving system, without which the service does not start (接收系统)",
            command=lambda: python("-m", "infra", "recipient"),
            after=("control-migrate",),
            once=True,
        ),
        _server("service", "Exchange service and portal (共享交换服务)", "catalog.service", ports, "recipient"),
        _server("departments", "REST source of 人社 (演示部门)", "infra.demonstration.rest_source", ports),
    ]


def _server(name: str, title: str, module: str, ports: dict[str, int], *after: str) -> ProcessSpec:
    port = ports[name]
    return ProcessSpec(
        name=name,
        title=title,
        command=lambda: python("-m", module),
        after=after,
        probe=http_ok(port, "/health"),
        port=port,
        address=f"http://{LOOPBACK}:{port}",
    )


def migrations_digest() -> str:
    """Return what changes when a migration is added or edited."""
    digest = hashlib.sha256()
    for path in sorted(MIGRATIONS.rglob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
