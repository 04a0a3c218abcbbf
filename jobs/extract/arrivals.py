"""Files that lie in a department's drop folder (待收文件), and which of them are not dealt with yet."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from catalog.model.contract import Contract
from catalog.model.errors import SettingMissingError
from catalog.model.settings import get_settings
from catalog.model.source import FileSource
from jobs.extract.receipt import SUFFIX, receipt_path
from jobs.extract.register import Register

UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
"""Endings of files that a transfer program is still writing."""


@dataclass(frozen=True)
class Arrival:
    """A file in the drop folder."""

    path: Path
    name: str
    """Its path below the folder, as people and the register call it."""
    fingerprint: str
    """Size and time of file and receipt: unchanged means dealt with."""


def drop_folder(contract: Contract) -> Path:
    """Return the folder of the contract's server.

    Raises:
        SettingMissingError: when its address is no folder that exists.
    """
    address = get_settings().source(contract.source.server)
    folder = Path(re.sub(r"\Afile:(//)?", "", address))
    if not folder.is_dir():
        raise SettingMissingError(
            f"{folder} is not a folder",
            place=f"SOURCE_{contract.source.server.upper()}",
            remedy="set it to file:/path of the folder into which the department drops its files",
        )
    return folder.resolve()


def find_arrivals(contract: Contract, source: FileSource) -> list[Arrival]:
    """Return the files that the contract's pattern names, oldest first; links out of the folder are passed over."""
    folder = drop_folder(contract)
    found = []
    for path in folder.glob(source.pattern):
        hidden = path.name.startswith(".") or path.name.endswith((SUFFIX, *UNFINISHED))
        if hidden or not path.is_file() or not path.resolve().is_relative_to(folder):
            continue
        found.append(
            (
                path.stat().st_mtime_ns,
                Arrival(path, _readable(path.relative_to(folder).as_posix()), fingerprint_of(path)),
            )
        )
    return [arrival for _, arrival in sorted(found, key=lambda pair: (pair[0], pair[1].name))]


def _readable(name: str) -> str:
    """Return a file name as people wrote it: one whose bytes are not UTF-8 was named on a Windows of this country.

    >>> _readable("许可证.csv".encode("gbk").decode("utf-8", "surrogateescape"))
    '许可证.csv'
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("gb18030", "backslashreplace")
    return name


def fingerprint_of(path: Path) -> str:
    """Return size and time of a file and of its receipt."""
    receipt = receipt_path(path)
    stats = [p.stat() for p in (path, receipt) if p.is_file()]
    return "/".join(f"{s.st_size}-{s.st_mtime_ns}" for s in stats)


def new_arrivals(contract: Contract, source: FileSource, register: Register) -> list[Arrival]:
    """Return the files not dealt with yet."""
    return [a for a in find_arrivals(contract, source) if register.position(a.name) != a.fingerprint]
