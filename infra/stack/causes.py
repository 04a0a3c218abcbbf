"""Why an engine does not start (启动失败原因): what its log says, in a sentence and with what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from catalog.model.secret_texts import mask_secrets

READ_BYTES = 65_536
"""So much of a log's end is looked through."""


@dataclass(frozen=True)
class Cause:
    """One reason, and what a person does about it."""

    words: str
    remedy: str


FULL_DISK = Cause("the disk is full", "make room on the disk that the state folder lies on")
MEMORY = Cause("the machine has not enough free memory", "end other programs, or use a machine with at least 8 GB")
PORT = Cause("its port is taken by another process", "end that process, or `make down` in the checkout it belongs to")
KNOWN: tuple[tuple[str, Cause], ...] = (
    (r"No space left on device|ENOSPC|Disk quota exceeded", FULL_DISK),
    (r"Address already in use|BindException|\[Errno 98\]", PORT),
    (r"Could not reserve enough space|insufficient memory for the Java|Cannot allocate memory", MEMORY),
    (r"OutOfMemoryError|could not (?:create|map|resize) (?:anonymous )?shared memory", MEMORY),
    (
        r"UnsupportedClassVersionError|Unrecognized option|Error: Could not find or load main class java",
        Cause("the Java that was found is no Java 17 or later", "install Java 17, or name one in JAVA_HOME"),
    ),
    (
        r"ClassNotFoundException|NoClassDefFoundError|Could not find or load main class",
        Cause("a JAR of the engine is missing", "run `infra/install.sh`, which fetches them again"),
    ),
    (
        r"ModuleNotFoundError: No module named|ImportError: ",
        Cause("a Python package is missing or another version", "run `make install`"),
    ),
    (
        r"data directory .* has (?:wrong ownership|invalid permissions|group or world access)",
        Cause("the database folder has another owner or mode", "give it back to the user named above, with mode 0700"),
    ),
    (
        r"database files are incompatible|was initialized by PostgreSQL version",
        Cause("the database was made by another version of PostgreSQL", "restore a backup into a new home"),
    ),
    (
        r"could not locate a valid checkpoint|invalid (?:primary )?checkpoint|PANIC:|invalid page in block",
        Cause("the database folder is damaged", "restore the backup; do not delete the folder before"),
    ),
    (
        r"password authentication failed",
        Cause("the database does not know the password", "put `secrets.json` back as it was when that was made"),
    ),
    (r"Can't locate revision", Cause("the database was migrated by a later version of the code", "use that version")),
    (r"Permission denied|Read-only file system", Cause("a file cannot be written", "look at its owner and its disk")),
)
"""Words of a log → cause; the last line that has any decides."""

_TROUBLE = re.compile(r"\b(?:[A-Za-z_.]*(?:Error|Exception)|FATAL|PANIC|ERROR|error|failed|cannot|could not)\b")


def find_cause(log: Path, since: int = 0) -> Cause | None:
    """Return why a process ended, as far as its log tells.

    Args:
        log: the log of the process.
        since: how long the log was when the process started; what stood before is of an earlier one.

    Returns:
        A known cause with the line that shows it; else the last line that speaks of trouble, or the last at all.
    """
    lines = [line.strip() for line in _end_of(log, since) if line.strip()]
    for line in reversed(lines):
        for pattern, cause in KNOWN:
            if re.search(pattern, line):
                return Cause(f"{cause.words}: {_short(line)}", cause.remedy)
    told = next((line for line in reversed(lines) if _TROUBLE.search(line)), lines[-1] if lines else "")
    return Cause(_short(told), "") if told else None


def _end_of(log: Path, since: int) -> list[str]:
    if not log.exists():
        return []
    with log.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - READ_BYTES, min(since, size)))
        return stream.read().decode("utf-8", "replace").splitlines()


def _short(line: str) -> str:
    return mask_secrets(line)[:300]
