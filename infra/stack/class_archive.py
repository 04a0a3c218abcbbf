"""An archive of the Spark server's loaded classes (类数据共享), made once at installation.

The JVM maps it instead of reading and verifying some twenty thousand classes from the JARs: the server starts, and
comes back after a kill, with about half the processor time. Its name follows the JARs and the Java program, so that an
archive that no longer fits is not found instead of being wrong; without one the server starts all the same.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra.stack.home import Home
from infra.stack.ports import choose_ports
from infra.stack.probes import tcp
from infra.stack.spark_server import (
    class_path,
    find_java,
    prepare_spark,
    pyspark_folder,
    server_environment,
    server_jars,
    spark_command,
)

START_SECONDS = 180.0
END_SECONDS = 240.0


def archive_path() -> Path:
    """Return where the archive for these JARs in this order and this Java lies, whether or not it was made."""
    digest = hashlib.sha256(class_path().encode())
    shipped = sorted((pyspark_folder() / "jars").glob("*.jar"))
    for path in (Path(find_java()).resolve(), *server_jars(), *shipped):
        seen = path.stat()
        digest.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return Path(sys.prefix) / f"spark-{digest.hexdigest()[:16]}.jsa"


def build_archive() -> Path:
    """Start a server, let it do what the pipeline does in small, and keep the classes it loaded."""
    target = archive_path()
    if target.exists():
        return target
    for stale in target.parent.glob("spark-*.jsa"):
        stale.unlink()
    with tempfile.TemporaryDirectory(prefix="guantong-archive-") as folder:
        home = Home(Path(folder))
        home.create()
        fresh = Path(folder) / "fresh.jsa"
        _run_server(home, fresh)
        partial = target.with_suffix(".part")
        partial.write_bytes(fresh.read_bytes())
        partial.replace(target)
    return target


def _run_server(home: Home, archive: Path) -> None:
    (home.root / "spark").mkdir(exist_ok=True)
    prepare_spark(home)
    port, token = choose_ports(home, ["spark"])["spark"], secrets.token_urlsafe(16)
    command = spark_command(home, port)
    command.insert(1, f"-XX:ArchiveClassesAtExit={archive}")
    with home.log("spark").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=home.root / "spark",
            env={**os.environ, **server_environment(token)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while (wrong := tcp(port)(0.0)) is not None:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the Spark server did not start: {wrong}\n{home.log('spark').read_text()[-2000:]}")
            time.sleep(0.2)
        _exercise(f"sc://localhost:{port}/;token={token}", home.root / "lake")
        server.terminate()
        server.wait(END_SECONDS)
    finally:
        if server.poll() is None:
            server.kill()


def _exercise(remote: str, lake: Path) -> None:
    """Write, merge, read and aggregate one small Delta table."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(remote).getOrCreate()
    table = f"delta.`file:{lake}/exercise`"
    session.sql("SELECT id, cast(id AS string) AS name, current_timestamp() AS at FROM range(1000)").write.format(
        "delta"
    ).option("delta.enableChangeDataFeed", "true").save(f"file:{lake}/exercise")
    source = "SELECT id + 500 AS id, 'x' AS name, current_timestamp() AS at FROM range(1000)"
    action = "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    session.sql(f"MERGE INTO {table} t USING ({source}) s ON t.id = s.id {action}")
    counts = f"SELECT name, count(*) AS n FROM {table} WHERE name RLIKE '[0-9x]+' GROUP BY name"  # noqa: S608
    places = "row_number() OVER (PARTITION BY n ORDER BY name) AS place"
    session.sql(f"SELECT name, n, {places} FROM ({counts}) ORDER BY place LIMIT 5").collect()  # noqa: S608
    session.sql(f"DESCRIBE HISTORY {table}").collect()
    session.stop()


if __name__ == "__main__":
    print(build_archive())
