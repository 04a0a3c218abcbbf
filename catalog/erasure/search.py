"""The search for one person (全库查找): files of the lake, of landing and of the home, and the control plane."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    cast,
    func,
    inspect,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from catalog.control.masking import mask_personal
from catalog.control.session import session_scope
from catalog.erasure.marks import Marks
from catalog.erasure.texts import ENTITY, NAME, NUMBER, UNREADABLE, Needles, count_in, read_whole
from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings

LAKE = "lake"
FILES_AT_ONCE = 200
"""Parquet files that one query reads."""
SKIPPED = ("postgres", "spark/jars")
"""Folders of the home that are searched otherwise, as tables, or hold no data."""


class NothingSearchedError(GuantongError):
    """There was no lake to search, so that nothing is proved (没有可查找的数据)."""

    code = "NOTHING_SEARCHED"


class LakeElsewhereError(GuantongError):
    """The lake does not lie on a disk of this machine, so that its files cannot be searched (湖不在本机)."""

    code = "LAKE_ELSEWHERE"


@dataclass(frozen=True)
class Trace:
    """A place that holds the person."""

    where: str
    """``lake``, ``landing``, ``home`` or ``control``."""
    place: str
    """File below that, or table; numbers in it are masked."""
    told_by: str
    """``number``, ``entity id``, ``name with birth date``, or ``unreadable``: the file cannot be opened."""
    rows: int


@dataclass(frozen=True)
class Found:
    """What a search has found, and how much it has opened."""

    traces: list[Trace]
    files: int
    tables: int


def search(marks: Marks, say: Callable[[str], None]) -> Found:
    """Open every file and table, and return where the person is.

    Args:
        marks: by what the person is known.
        say: takes progress; never a value.

    Raises:
        LakeElsewhereError: the lake is not on this machine.
        NothingSearchedError: there is no file in the lake.
    """
    traces: list[Trace] = []
    seen: set[Path] = set()
    for where, root in _roots().items():
        paths = [path for path in _files(root) if path not in seen]
        seen.update(paths)
        say(f"{where}: {len(paths):,} files below {root}")
        if where == LAKE and not paths:
            raise NothingSearchedError("the lake holds no file", place=str(root), remedy="check LAKE_URI")
        traces += _in_files(marks, where, root, paths)
    with session_scope() as session:
        tables = _tables(session)
        say(f"control: {len(tables):,} tables")
        traces += [trace for table in tables for trace in _in_table(session, marks, table)]
    return Found(sorted(traces, key=lambda t: (t.where, t.place, t.told_by)), len(seen), len(tables))


def _roots() -> dict[str, Path]:
    settings = get_settings()
    if not settings.lake_uri.startswith("file:"):
        raise LakeElsewhereError(
            f"the lake lies at {settings.lake_uri.split(':')[0]}:, and only files of this machine can be searched",
            place="LAKE_URI",
            remedy="mount the bucket and set LAKE_URI to file:<the mounted folder> for the search",
        )
    lake = Path(settings.lake_uri.removeprefix("file:"))
    return {LAKE: lake, "landing": settings.landing, "home": settings.home}


def _files(root: Path) -> Iterator[Path]:
    """Yield all files below a folder, also hidden ones; links are not followed."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(n for n in names if (here / n).relative_to(root).as_posix() not in SKIPPED)
        yield from (path for name in sorted(files) if (path := here / name).is_file() and not path.is_symlink())


def _in_files(marks: Marks, where: str, root: Path, paths: list[Path]) -> Iterator[Trace]:
    tables = [path for path in paths if _is_table(path)]
    for first in range(0, len(tables), FILES_AT_ONCE):
        for path, found in _in_parquet(marks, tables[first : first + FILES_AT_ONCE]):
            yield from _traces(where, path.relative_to(root).as_posix(), found)
    needles, others = Needles(marks), set(paths) - set(tables)
    for path in sorted(paths):
        name = path.relative_to(root).as_posix()
        told = Counter(needles.kinds_in(os.fsencode(name)))
        yield from _traces(where, name, told | count_in(needles, read_whole(path)) if path in others else told)


def _is_table(path: Path) -> bool:
    """Return whether a file is a Parquet file, whatever it is called."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except FileNotFoundError:
        return False


def _traces(where: str, place: str, found: Counter[str]) -> Iterator[Trace]:
    for told_by, rows in found.items():
        if rows:
            yield Trace(where, mask_personal(place), told_by, rows)


def _in_parquet(marks: Marks, paths: list[Path]) -> list[tuple[Path, Counter[str]]]:
    """Return the rows of files that hold the person, whatever the columns, also of files that no table names.

    A file that cannot be opened is a finding of its own: its pages are packed, and nobody knows that they hold nothing.
    """
    try:
        return _queried(marks, paths)
    except duckdb.Error:
        if len(paths) == 1:
            return [(paths[0], count_in(Needles(marks), read_whole(paths[0])) + Counter({UNREADABLE: 1}))]
        return [entry for path in paths for entry in _in_parquet(marks, [path])]


def _queried(marks: Marks, paths: list[Path]) -> list[tuple[Path, Counter[str]]]:
    conditions = {
        NUMBER: (_one_of("row", marks.numbers), [*marks.numbers]),
        ENTITY: (_one_of("row", marks.entity_ids), [*marks.entity_ids]),
        NAME: (
            f"({_one_of('row', marks.names)}) AND ({_one_of('row', marks.birth_dates)})",
            [*marks.names, *marks.birth_dates],
        ),
    }
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition, _ in conditions.values())
    words = [word for _, values in conditions.values() for word in values]
    query = (
        f"SELECT filename, {counts} FROM (SELECT filename, CAST(t AS VARCHAR) AS row FROM "  # noqa: S608 - no values
        "read_parquet(?, filename = true, union_by_name = true) AS t) GROUP BY filename"
    )
    with duckdb.connect() as connection:
        rows = connection.execute(query, [*words, [str(path) for path in paths]]).fetchall()
    kinds = (NUMBER, ENTITY, NAME)
    return [(Path(name), Counter(dict(zip(kinds, counted, strict=True)))) for name, *counted in rows]


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return " OR ".join(f"contains({column}, ?)" for _ in words) or "false"


def _tables(session: Session) -> list[Table]:
    connection = session.connection()
    names = inspect(connection).get_table_names()
    metadata = MetaData()
    metadata.reflect(connection, only=names)
    return sorted(metadata.tables.values(), key=lambda table: table.name)


def _in_table(session: Session, marks: Marks, table: Table) -> Iterator[Trace]:
    """Yield the traces in one table of the control plane, bytes and documents included."""
    row = cast(table.table_valued(), Text)
    stored = [column for column in table.columns if isinstance(column.type, LargeBinary)]

    def holds(words: tuple[str, ...]) -> ColumnElement[bool]:
        in_text = [func.strpos(row, word) > 0 for word in words]
        in_bytes = [func.position(literal(word.encode()).op("IN")(column)) > 0 for word in words for column in stored]
        return or_(False, *in_text, *in_bytes)

    conditions = {
        NUMBER: holds(marks.numbers),
        ENTITY: holds(marks.entity_ids),
        NAME: and_(holds(marks.names), holds(marks.birth_dates)),
    }
    counts = [func.count().filter(condition).label(kind) for kind, condition in conditions.items()]
    found = session.execute(select(*counts).select_from(table)).one()
    yield from _traces("control", table.name, Counter(dict(zip(conditions, found, strict=True))))
