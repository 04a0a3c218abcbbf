"""The embedded lake's own log store: of two writers none loses a commit, and the JAR is what its sources say."""

import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from py4j.java_gateway import GatewayParameters, JavaGateway, JavaObject, launch_gateway
from py4j.protocol import Py4JJavaError

from infra.log_store.build import build, find_compiler, recorded_digest, source_digest
from infra.stack.spark_server import LOCAL_FILES, LOG_STORE, class_path, find_java, server_jars

OURS = LOCAL_FILES["spark.delta.logStore.file.impl"]
DELTAS_OWN = "io.delta.storage.LocalLogStore"
NAMES = 300
ENOUGH = 60
"""For a store that loses commits to show it."""


class Writer:
    """One JVM with Delta's classes and ours, and a log store in it."""

    def __init__(self, classes: str) -> None:
        port, self.process = launch_gateway(
            classpath=classes, java_path=find_java(), die_on_exit=True, return_proc=True, javaopts=["-Xshare:auto"]
        )
        self.gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
        self.path_class = self.gateway.jvm.org.apache.hadoop.fs.Path
        self.configuration = self.gateway.jvm.org.apache.hadoop.conf.Configuration()
        for name, value in LOCAL_FILES.items():
            self.configuration.set(name.removeprefix("spark.hadoop."), value)

    def store(self, name: str) -> JavaObject:
        found = self.gateway.jvm.java.lang.Class.forName(name)
        kinds = self.gateway.new_array(self.gateway.jvm.java.lang.Class, 1)
        kinds[0] = self.configuration.getClass()
        given = self.gateway.new_array(self.gateway.jvm.java.lang.Object, 1)
        given[0] = self.configuration
        return found.getConstructor(kinds).newInstance(given)

    def lines(self, *lines: str) -> JavaObject:
        actions = self.gateway.jvm.java.util.ArrayList()
        for line in lines:
            actions.add(line)
        return actions

    def write(self, store: JavaObject, path: Path, actions: JavaObject, overwrite: bool = False) -> bool:
        """Write a file of the log; tell whether the store says that it is ours."""
        try:
            store.write(self.path(path), actions.iterator(), overwrite, self.configuration)
        except Py4JJavaError as error:
            if error.java_exception.getClass().getName() == "java.nio.file.FileAlreadyExistsException":
                return False
            raise
        return True

    def path(self, path: Path) -> JavaObject:
        return self.path_class(f"file:{path}")

    def end(self) -> None:
        self.gateway.shutdown()
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def writers() -> Iterator[tuple[Writer, Writer]]:
    both = Writer(class_path()), Writer(class_path())
    yield both
    for writer in both:
        writer.end()


def race(writers: tuple[Writer, Writer], store: str, log: Path, names: int) -> tuple[list[int], int]:
    """Have two processes write the same names at the same moments.

    Returns:
        How many commits each of them was told to have made, and how many of those are not there.
    """
    log.mkdir(parents=True)
    start = threading.Barrier(2)
    told: tuple[list[int], list[int]] = ([], [])

    def write_all(number: int) -> None:
        own, actions = writers[number].store(store), writers[number].lines(*[f"writer {number}"] * 40)
        for version in range(names):
            start.wait(30)
            if writers[number].write(own, log / f"{version:020d}.json", actions):
                told[number].append(version)

    threads = [threading.Thread(target=write_all, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    lost = 0
    for number, versions in enumerate(told):
        expected = f"writer {number}\n" * 40
        lost += sum((log / f"{version:020d}.json").read_text() != expected for version in versions)
    return [len(versions) for versions in told], lost


def test_of_two_processes_one_makes_each_commit_and_none_is_lost(writers, tmp_path: Path) -> None:
    made, lost = race(writers, OURS, tmp_path / "ours" / "_delta_log", NAMES)
    assert lost == 0
    assert sum(made) == NAMES
    assert min(made) > 0, "both processes won some"
    assert [path for path in (tmp_path / "ours" / "_delta_log").iterdir() if path.suffix != ".json"] == []
    made, lost = race(writers, DELTAS_OWN, tmp_path / "theirs" / "_delta_log", ENOUGH)
    assert lost > 0, "the race finds what a lock within one process loses"
    assert sum(made) - lost <= ENOUGH


def test_a_commit_is_refused_overwritten_and_listed(writers, tmp_path: Path) -> None:
    writer = writers[0]
    log = tmp_path / "有 空格" / "_delta_log"
    store = writer.store(OURS)
    first = log / f"{0:020d}.json"
    with pytest.raises(Py4JJavaError, match="No such file or directory"):
        writer.write(store, first, writer.lines("{}"))
    log.mkdir(parents=True)
    assert writer.write(store, first, writer.lines("{}", "{}"))
    assert not writer.write(store, first, writer.lines("other"))
    assert first.read_text() == "{}\n{}\n"
    assert writer.write(store, log / "_last_checkpoint", writer.lines("1"), overwrite=True)
    assert writer.write(store, log / "_last_checkpoint", writer.lines("2"), overwrite=True)
    assert (log / "_last_checkpoint").read_text() == "2\n"
    (log / f".{1:020d}.json.b1.tmp").write_text("left by a killed writer")
    listed = store.listFrom(writer.path(first), writer.configuration)
    names = []
    while listed.hasNext():
        names.append(listed.next().getPath().getName())
    assert names == [first.name, "_last_checkpoint"]
    assert store.isPartialWriteVisible(writer.path(first), writer.configuration), "checkpoints are renamed into place"
    with pytest.raises(Py4JJavaError, match="file: tables only"):
        store.write(
            writer.path_class("s3a://lake/t/_delta_log/0.json"),
            writer.lines("{}").iterator(),
            False,
            writer.configuration,
        )


def test_files_of_the_lake_are_written_to_the_disk(writers, tmp_path: Path) -> None:
    writer = writers[0]
    path = writer.path(tmp_path / "part.bin")
    files = path.getFileSystem(writer.configuration)
    assert files.getClass().getName() == LOCAL_FILES["spark.hadoop.fs.file.impl"]
    stream = files.create(path)
    stream.writeBytes("rows" * 9_000)
    stream.close()
    assert (tmp_path / "part.bin").read_text() == "rows" * 9_000
    assert [found.name for found in tmp_path.iterdir()] == ["part.bin"], "no checksum file beside it"


def test_the_jar_is_made_of_the_sources_beside_it(tmp_path: Path) -> None:
    assert LOG_STORE in server_jars()
    assert LOG_STORE.stat().st_size < 16_384
    assert recorded_digest() == source_digest(), "build it again: python -m infra.log_store.build"


@pytest.mark.skipif(find_compiler() is None, reason="no Java compiler")
def test_building_again_makes_the_same_classes(tmp_path: Path) -> None:
    fresh = build(tmp_path / "fresh.jar")
    with zipfile.ZipFile(fresh) as built, zipfile.ZipFile(LOG_STORE) as kept:
        assert built.namelist() == kept.namelist()
        assert [entry.date_time for entry in built.infolist()] == [entry.date_time for entry in kept.infolist()]
        names = [name.removesuffix(".class").replace("/", ".") for name in kept.namelist() if name.endswith(".class")]
    assert members(fresh, names) == members(LOG_STORE, names)


def members(jar: Path, names: list[str]) -> str:
    program = str(Path(find_compiler() or "").with_name("javap"))
    command = [program, "-p", "-cp", f"{jar}:{class_path()}", *names]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
