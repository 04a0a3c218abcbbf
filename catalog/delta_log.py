"""The log of a Delta table on a local disk, read without an engine (湖表日志): its newest version, its id, its damage.

Every engine takes an empty commit for one that changed nothing, and a log without its last commits for the whole one:
rows are gone and nothing says so. Here that is an error, and everybody who reads a local table asks here first.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from catalog.control.positions import TableVersion
from catalog.model.errors import GuantongError

LOOKS = 3
"""A log that is written to while its names are listed may seem to have a gap; it is then listed again."""
REMEDY = (
    "stop the stack; put the file back from a backup of the home, "
    "or take the table back by one commit and replay its batches, as infra/runbooks/stack.md says"
)


class TableDamagedError(GuantongError):
    """The log of a table (湖表日志) is not whole, so that a reader would see other rows than were written."""

    code = "TABLE_DAMAGED"


@dataclass
class _Log:
    """The files of one log by version."""

    folder: Path
    commits: dict[int, os.stat_result] = field(default_factory=dict)
    checkpoints: set[int] = field(default_factory=set)
    checksums: set[int] = field(default_factory=set)

    def file(self, version: int) -> Path:
        """Return where the commit of a version lies."""
        return self.folder / f"{version:020d}.json"


def newest_version(folder: Path, name: str, upto: int | None = None) -> TableVersion | None:
    """Return id and newest version of the table in ``folder``, or None where there is no table.

    Args:
        folder: the table's own folder.
        name: what the table is called in an error.
        upto: look at the log as far as this version only, for a reader of an earlier version.

    Raises:
        TableDamagedError: when commits are missing, empty or cut off, so that rows would be missing.
    """
    fault: TableDamagedError | None = None
    for _ in range(LOOKS):
        try:
            log = _list(folder / "_delta_log", upto)
            if log is None:
                return None
            fault = _fault(log, name, upto)
            if fault is None:
                return TableVersion(_id_of(log), max(log.commits))
        except FileNotFoundError:
            continue
    raise fault or _damaged(name, folder / "_delta_log", "the log is being removed")


def _list(folder: Path, upto: int | None) -> _Log | None:
    """Return the files of a log, or None when it holds none."""
    log = _Log(folder)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                number, _, kind = entry.name.partition(".")
                if not number.isdigit() or (upto is not None and int(number) > upto):
                    continue
                if kind == "json":
                    log.commits[int(number)] = entry.stat()
                elif kind == "crc":
                    log.checksums.add(int(number))
                elif kind.startswith("checkpoint.") and entry.stat().st_size:
                    log.checkpoints.add(int(number))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return log if log.commits or log.checkpoints or log.checksums else None


def _fault(log: _Log, name: str, upto: int | None) -> TableDamagedError | None:
    """Return what is wrong with a log, or None."""
    told = log.checkpoints | log.checksums | set(() if upto is None else (upto,))
    newest, first = max({*log.commits, *told}), min(log.commits, default=0)
    known = max((version for version in log.checkpoints if version >= first - 1), default=-1)
    start = first if known >= 0 else 0
    gaps = [version for version in range(start, newest + 1) if version not in log.commits]
    if gaps:
        return _damaged(name, log.file(gaps[0]), f"commit {gaps[0]} is missing, though the log goes up to {newest}")
    for version, seen in log.commits.items():
        if version > known or version == newest:
            path = log.file(version)
            wrong = _wrong_with(path, seen.st_ino, seen.st_size, seen.st_mtime_ns)
            if wrong:
                return _damaged(name, path, f"commit {version} {wrong}")
    return None


@lru_cache(maxsize=8192)
def _wrong_with(path: Path, inode: int, size: int, modified: int) -> str:
    """Return what is wrong with a commit's file, or nothing; a file that is as it was is not read again."""
    if size == 0:
        return "is an empty file"
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            if line.strip() and not isinstance(json.loads(line), dict):
                return f"holds something else than an action in line {number}"
        except ValueError:
            return f"is cut off or overwritten in line {number}"
    return ""


def _damaged(name: str, path: Path, what: str) -> TableDamagedError:
    return TableDamagedError(f"the log of {name} is damaged: {what}", place=str(path), remedy=REMEDY)


def _id_of(log: _Log) -> str:
    first = min(log.commits)
    seen = log.commits[first]
    return _read_id(log.file(first), seen.st_ino, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=1024)
def _read_id(first: Path, inode: int, size: int, modified: int) -> str:
    """Return Delta's id of the table whose log begins with ``first``; a table made anew begins with another file."""
    for line in first.read_bytes().splitlines():
        if b'"metaData"' in line and (metadata := json.loads(line).get("metaData")):
            return str(metadata["id"])
    from deltalake import DeltaTable

    return str(DeltaTable(str(first.parents[1])).metadata().id)
