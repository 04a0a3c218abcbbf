"""Build ``guantong-log-store.jar`` from the sources beside it (构建): ``python -m infra.log_store.build``.

The JAR is kept in the repository, because a machine that runs the stack has a Java runtime and no compiler. It says
which sources it was made of, and the same sources and compiler make the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.stack.errors import StackError
from infra.stack.spark_server import LOG_STORE, class_path

SOURCES = LOG_STORE.parent / "src"
DIGEST = "META-INF/sources.sha256"
"""The entry that names the sources."""
RELEASE = 17
MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, the earliest that a JAR can name."""


def sources() -> list[Path]:
    """Return the Java files, in the order in which their digest takes them."""
    return sorted(SOURCES.rglob("*.java"))


def source_digest() -> str:
    """Return what changes when a source is added, renamed or edited."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path.relative_to(SOURCES).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def recorded_digest(jar: Path = LOG_STORE) -> str:
    """Return the digest of the sources that ``jar`` was made of."""
    with zipfile.ZipFile(jar) as archive:
        return archive.read(DIGEST).decode()


def find_compiler() -> str | None:
    """Return the Java compiler: of ``JAVA_HOME``, else of the path, or None."""
    home = os.environ.get("JAVA_HOME")
    own = Path(home) / "bin" / "javac" if home else None
    return str(own) if own is not None and own.exists() else shutil.which("javac")


def build(target: Path = LOG_STORE) -> Path:
    """Compile the sources and write the JAR to ``target``.

    Raises:
        StackError: when there is no compiler, or it refuses the sources.
    """
    compiler = find_compiler()
    if compiler is None:
        raise StackError("no Java compiler", place="javac", remedy=f"install a JDK of Java {RELEASE} or newer")
    with tempfile.TemporaryDirectory(prefix="guantong-log-store-") as folder:
        options = ["--release", str(RELEASE), "-g:none", "-Xlint:all,-classfile,-path", "-cp", class_path()]
        command = [compiler, *options, "-d", folder, *map(str, sources())]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise StackError(result.stderr.strip(), place=str(SOURCES), remedy="mend the source and build again")
        _pack(Path(folder), target)
    return target


def _pack(classes: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(_entry("META-INF/MANIFEST.MF"), "Manifest-Version: 1.0\r\n\r\n")
        archive.writestr(_entry(DIGEST), source_digest())
        for path in sorted(classes.rglob("*.class")):
            archive.writestr(_entry(path.relative_to(classes).as_posix()), path.read_bytes())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry


if __name__ == "__main__":
    sys.stdout.write(f"{build()}\n")
