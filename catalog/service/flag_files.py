"""The flags of a shared table as a file (存疑标识文件): written when asked for, of what the control plane says now.

Invariant: a file holds what one set of grants covers and is named by what it holds, so that it never changes; it is
handed out only as long as the recipient's grants, what is kept back and which rows are taken back are those of then.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.orm import Session

from catalog.control.item_flags import FlagScope, ItemFlag, flags_of
from catalog.control.kept_back import kept_back_of
from catalog.control.tables import ShareVersion
from catalog.control.withdrawal import rows_withdrawn
from catalog.model.contract import Contract
from catalog.model.settings import get_settings
from catalog.service.served_rows import find_rows, taken_back
from catalog.service.snapshots import DataFile, Snapshot, published_snapshot

SUFFIX = "_flags"
"""What the name of the table has after that of the table whose values are doubted."""
KEPT_SECONDS = 7200
"""How long a file stays: longer than any signed address of it."""
MOST_PLACES = 200_000
"""Rows of served versions whose division is remembered."""

_COLUMNS: tuple[tuple[str, str, pa.DataType, str], ...] = (
    ("column", "string", pa.string(), "数据项"),
    ("state", "string", pa.string(), "状态：存疑、正在核实"),
    ("since", "timestamp", pa.timestamp("us", "UTC"), "存疑起始时间"),
    ("case_number", "string", pa.string(), "校核编号"),
    ("until", "date", pa.date32(), "办理期限"),
)


def schema_string(key: str) -> str:
    """Return the schema of the flags of a table with some key, as the protocol writes it."""
    described = [(key, "string", "记录标识"), *((name, kind, comment) for name, kind, _, comment in _COLUMNS)]
    fields = [
        {"name": name, "type": kind, "nullable": name == "until", "metadata": {"comment": comment}}
        for name, kind, comment in described
    ]
    return json.dumps({"type": "struct", "fields": fields}, ensure_ascii=False, separators=(",", ":"))


def told_flags(
    session: Session, contract: Contract, version: ShareVersion, scopes: Sequence[FlagScope]
) -> list[ItemFlag]:
    """Return the flags on rows of a served version that some grants cover, and on columns not kept back.

    Nothing is told of a row that was taken back.

    Raises:
        SharingError: when the version cannot be served.
    """
    key, served = contract.key[0], published_snapshot(version).columns
    kept_back = kept_back_of(session, version, served)
    knowing = [scope for scope in scopes if scope.has_column(key)]
    columns = [name for name in served if name not in kept_back and any(scope.has_column(name) for scope in knowing)]
    if key not in columns:
        return []
    flags = flags_of(session, contract, columns)
    rows = {flag.row_key for flag in flags}
    shown = rows - taken_back(version, key, sorted(rows), rows_withdrawn(session, version))
    places = _places.of(contract, version, shown)
    return [
        flag
        for flag in flags
        if (place := places.get(flag.row_key)) is not None and any(scope.has(flag, place) for scope in knowing)
    ]


def flag_snapshot(
    session: Session, version: ShareVersion, key: str, scopes: Sequence[FlagScope], flags: Sequence[ItemFlag]
) -> Snapshot:
    """Return the table of flags as it stands now; without a flag it has no file."""
    folder = _folder(session, version, scopes)
    files = (_written(folder, key, flags),) if flags else ()
    place = f"{version.share}.{version.schema_name}.{version.table_name}{SUFFIX}"
    return Snapshot(hashlib.sha256(place.encode()).hexdigest()[:32], schema_string(key), [], [], files)


def flag_file(session: Session, version: ShareVersion, scopes: Sequence[FlagScope], file_id: str) -> Path | None:
    """Return a file that was written for some grants; None when there is none, or less may be told by now.

    Raises:
        SharingError: when the version cannot be served.
    """
    path = _folder(session, version, scopes) / f"{file_id}.parquet"
    return path if path.is_file() else None


def _folder(session: Session, version: ShareVersion, scopes: Sequence[FlagScope]) -> Path:
    """Return where files for some grants on a version lie, with what nobody is told of it now."""
    said = sorted(
        json.dumps([_sorted(scope.items), _sorted(scope.cover.divisions)], ensure_ascii=False) for scope in scopes
    )
    kept_back = sorted(kept_back_of(session, version, published_snapshot(version).columns))
    gone = sorted((column, sorted(keys)) for column, keys in rows_withdrawn(session, version).items())
    said.append(json.dumps([kept_back, gone], ensure_ascii=False))
    digest = hashlib.sha256("\n".join([str(version.id), *said]).encode()).hexdigest()[:32]
    return get_settings().home / "service" / "flags" / digest


def _sorted(names: Collection[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _written(folder: Path, key: str, flags: Sequence[ItemFlag]) -> DataFile:
    """Write flags into a file that is named by them, unless it is there already."""
    rows = [
        {
            key: flag.row_key,
            "column": flag.column,
            "state": flag.state,
            "since": flag.since,
            "case_number": flag.case_number,
            "until": flag.until,
        }
        for flag in flags
    ]
    name = hashlib.sha256(json.dumps([key, rows], default=str, ensure_ascii=False).encode()).hexdigest()[:32]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_old(folder.parent)
    path = folder / f"{name}.parquet"
    if path.is_file():
        os.utime(path)
    else:
        _write(path, key, rows)
    return DataFile(name, path, path.stat().st_size, len(rows), {})


def _write(path: Path, key: str, rows: list[dict[str, Any]]) -> None:
    schema = pa.schema([(key, pa.string()), *((name, kind) for name, _, kind, _ in _COLUMNS)])
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    os.close(descriptor)
    try:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), temporary)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _remove_old(flags: Path) -> None:
    """Remove files whose addresses are over."""
    oldest = time.time() - KEPT_SECONDS
    for path in flags.glob("*/*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue


class _Places:
    """In which divisions rows of served versions lie; a version never changes, so each is looked up once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[tuple[str, int, str | None, str], frozenset[str] | None] = {}

    def of(self, contract: Contract, version: ShareVersion, row_keys: Collection[str]) -> dict[str, frozenset[str]]:
        """Return row → codes of its divisions, for those of some rows that a version has."""
        place = (version.table_uri, version.delta_version, version.table_id)
        with self._lock:
            found = {row: self._known[*place, row] for row in row_keys if (*place, row) in self._known}
        unknown = [row for row in row_keys if row not in found]
        if unknown:
            looked_up = self._look_up(contract, version, unknown)
            found |= {row: looked_up.get(row) for row in unknown}
            with self._lock:
                if len(self._known) + len(unknown) > MOST_PLACES:
                    self._known.clear()
                self._known |= {(*place, row): found[row] for row in unknown}
        return {row: codes for row, codes in found.items() if codes is not None}

    def _look_up(self, contract: Contract, version: ShareVersion, rows: Sequence[str]) -> dict[str, frozenset[str]]:
        divisions = [column for column in contract.columns if contract.code_list_of(column) == "division"]
        found = find_rows(version, contract.key[0], rows, divisions)
        return {
            row: frozenset(str(values[name]) for name in divisions if values.get(name)) for row, values in found.items()
        }


_places = _Places()
