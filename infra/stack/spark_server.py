"""The one Spark Connect server (计算引擎): every task's engine, and the one that writes the embedded lake.

Invariant: what it has acknowledged is on the disk, rows before the commit that names them, and no other writer's commit
takes its place.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from importlib import util
from pathlib import Path

from infra.stack.errors import StackError
from infra.stack.home import CHECKOUT, Home
from infra.stack.ports import LOOPBACK
from infra.stack.probes import tcp
from infra.stack.process import ProcessSpec

JARS = Path(sys.prefix) / "jars"
"""Filled by ``infra/install.sh`` from ``infra/pom.xml``."""
LOG_STORE = CHECKOUT / "infra" / "log_store" / "guantong-log-store.jar"
"""Our own classes; ``infra.log_store.build`` makes it from the sources beside it."""
DRIVER_MEMORY = "3g"
SEARCHED_FIRST = ("spark-sql", "spark-core", "spark-catalyst", "spark-connect")
"""JARs of pyspark whose classes are looked for again and again."""
JAVA_OPTIONS = "GUANTONG_SPARK_JAVA_OPTIONS"
"""Environment variable with further JVM options."""
QUICK_SERVER = (
    "-XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=0.2 -XX:ReservedCodeCacheSize=256m"
    " -XX:-UseParallelGC -XX:+UseSerialGC -Xms1600m -Xmn600m -XX:MetaspaceSize=256m"
)
"""Options for many small queries, as of tests and of a demonstration day: half the processor time there (16 instead of
37 s in one exercise), twice that of long ones. With one level of compilation the JVM reserves 48 MB for compiled code
unless told otherwise; a day fills them, and from then on the JVM interprets. A heap that begins small is
collected whole each time that it must grow: 28 times in one exercise of 160 s, and with 600 MB for what lives long 16
times in one of 220 s."""
LOCAL_FILES = {
    "spark.hadoop.fs.file.impl": "guantong.lake.SyncedFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
    "spark.delta.logStore.file.impl": "guantong.lake.LinkLogStore",
}
"""Local files that are on the disk once they are closed, and commits by a hard link: Delta's own log store locks within
one JVM only and leaves both to the page cache. Without a checksum file beside each, for every one of which Hadoop
starts a program that sets its mode (2,690 programs in one exercise of 160 s, 1,480 so)."""
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.snapshotCache.storageLevel": "MEMORY_ONLY_SER",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.host": LOOPBACK,
    "spark.connect.grpc.binding.address": LOOPBACK,
    "spark.connect.grpc.maxInboundMessageSize": str(256 * 1024 * 1024),
    "spark.connect.session.manager.defaultSessionTimeout": "15m",
    **LOCAL_FILES,
    "spark.ui.enabled": "false",
    "spark.log.structuredLogging.enabled": "false",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.kryoserializer.buffer.max": "512m",
    "spark.scheduler.mode": "FAIR",
}
OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)
"""What Spark's own launcher opens (``org.apache.spark.launcher.JavaModuleOptions``); we start java without it, which
saves a JVM and leaves the server's pid in our hands."""
LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1}: %m%n%ex
logger.connect.name = org.apache.spark.sql.connect.service.SparkConnectServer
logger.connect.level = info
logger.plans.name = org.apache.spark.sql.catalyst.util.SparkStringUtils
logger.plans.level = error
logger.windows.name = org.apache.spark.sql.execution.window.WindowExec
logger.windows.level = error
"""


def find_java() -> str:
    """Return the java program: of ``JAVA_HOME``, else of the path."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    found = shutil.which("java")
    if found is None:
        raise StackError("Java is not installed", place="java", remedy="run `make run`, which says how to install it")
    return found


def server_jars() -> list[Path]:
    """Return the JARs beside those of pyspark: Delta, its log store, the PostgreSQL driver and Splink's functions."""
    jars = sorted(JARS.glob("*.jar"))
    splink = util.find_spec("splink")
    if splink is not None and splink.origin is not None:
        files = Path(splink.origin).parent / "internals" / "files" / "spark_jars"
        jars += sorted(files.glob("scala-udf-similarity-*.jar"))[-1:]
    if not any(jar.name.startswith("delta-spark") for jar in jars):
        raise StackError(
            "the JARs of the Spark server are missing",
            place=str(JARS),
            remedy="run `make run`, or `infra/install.sh`",
        )
    return [*jars, LOG_STORE]


def pyspark_folder() -> Path:
    """Return the folder of pyspark, without importing it."""
    found = util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise StackError("pyspark is not installed", place="pyspark", remedy="run `make run`")
    return Path(found.origin).parent


def class_path() -> str:
    """Return the server's class path: what is looked for most first.

    Before it sends a function to a task, Spark reads the function's class from the JARs, one after the other until
    it is found. Spark's own stand last among the 287 of pyspark: a twentieth of the processor time of a small exercise
    was spent looking through those before them.
    """
    shipped = pyspark_folder() / "jars"
    first = [jar for name in SEARCHED_FIRST for jar in sorted(shipped.glob(f"{name}_*.jar"))]
    return ":".join([*map(str, (*server_jars(), *first)), str(shipped / "*")])


def cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def spark_command(home: Home, port: int) -> list[str]:
    """Return the command line of the server."""
    folder = home.root / "spark"
    jars = server_jars()
    settings = {
        **SETTINGS,
        "spark.master": f"local[{cores()}]",
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.driver.extraClassPath": ":".join(map(str, jars)),
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
    }
    options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    return [
        find_java(),
        "-cp",
        class_path(),
        f"-Xmx{DRIVER_MEMORY}",
        "-Xms512m",
        "-Xss4m",
        "-XX:+UseParallelGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-XX:+IgnoreUnrecognizedVMOptions",
        "--add-modules=jdk.incubator.vector",
        *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENED),
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
        *shlex.split(os.environ.get(JAVA_OPTIONS, "")),
        "org.apache.spark.deploy.SparkSubmit",
        *options,
        "--name",
        "guantong",
        "--class",
        "org.apache.spark.sql.connect.service.SparkConnectServer",
        "spark-internal",
    ]


def prepare_spark(home: Home) -> None:
    """Empty the scratch folders of an earlier server and write its log settings."""
    folder = home.root / "spark"
    for part in ("local", "tmp"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    (folder / "log4j2.properties").write_text(LOG4J, encoding="utf-8")


def server_environment(token: str) -> dict[str, str]:
    """Return what the server needs in its environment; clients must show ``token``."""
    return {
        "SPARK_HOME": str(pyspark_folder()),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_SCALA_VERSION": "2.13",
        "PYSPARK_PYTHON": sys.executable,
    }


def start_command(home: Home, port: int) -> list[str]:
    """Return the command line of the server with the class archive, where one was made."""
    from infra.stack.class_archive import archive_path

    program, *arguments = spark_command(home, port)
    archive = archive_path()
    options = [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto"] if archive.exists() else []
    return [program, *options, *arguments]


def spark_process(home: Home, port: int, token: str) -> ProcessSpec:
    """Return the entry of the process table."""
    return ProcessSpec(
        name="spark",
        title="Spark Connect server: the one writer of the lake (计算引擎)",
        command=lambda: start_command(home, port),
        environment=lambda: server_environment(token),
        prepare=lambda: prepare_spark(home),
        probe=tcp(port),
        port=port,
        address=f"sc://localhost:{port}",
        folder=home.root / "spark",
        stop_seconds=2.0,
        stop_last=True,
        secrets=(token,),
    )
