"""Lists as records to compare (待关联记录): a file that a contract describes, or its silver table, by data element.

Which column is the name, the address or the key follows from the data elements that the contract binds its columns to.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.errors import GuantongError
from catalog.model.layers import table_of
from catalog.model.linkage_words import plain_text
from jobs.reconcile.linking.features import RECORD_ID
from jobs.reconcile.linking.model import LinkageModel
from jobs.reconcile.linking.newest import newest_rows
from jobs.runtime import delta

Record = dict[str, str | None]
DIVISION = "division_code"


class ListUnreadableError(GuantongError):
    """A list cannot be read for linking."""

    code = "LINKAGE_LIST"


def fields_of(contract: Contract, model: LinkageModel) -> dict[str, str]:
    """Return column → field of the record, for the columns whose element has a role in ``model``.

    Raises:
        ListUnreadableError: when no column has the role of the name.
    """
    items = contract.government.items
    bound = {column: items[column].element for column in contract.columns if column in items}
    fields = {column: model.roles[element] for column, element in bound.items() if element in model.roles}
    if "name" not in fields.values():
        raise ListUnreadableError(
            f"no column of {contract.id} is a name that {model.library} compares",
            remedy="bind its name to a data element that stands among the roles in comparisons.yml",
        )
    return fields


def read_list(contract: Contract, model: LinkageModel, path: Path, division: str = "") -> list[Record]:
    """Return the records of a CSV file, or of the CSV files in a tar archive, without rows that repeat another whole.

    Args:
        contract: says headings, encoding and elements.
        model: says which elements are compared.
        path: the file.
        division: code of the division that the list is of, where rows state none.

    Raises:
        ListUnreadableError: when a file is not text of the contract's encoding, or has none of its headings.
    """
    columns = fields_of(contract, model)
    encoding = getattr(contract.government.source, "encoding", "utf-8")
    records: list[Record] = []
    for name, file in _members(contract, path):
        text = io.TextIOWrapper(file, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")
        try:
            records += _rows(contract, columns, name, csv.reader(text), division)
        except UnicodeDecodeError as error:
            raise ListUnreadableError(f"the file is not {encoding}", place=name) from error
    return records


def _members(contract: Contract, path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and content of each file of a list, in the order of the names."""
    if not path.is_file():
        raise ListUnreadableError("there is no such file", place=str(path))
    if ".tar" not in path.suffixes:
        with path.open("rb") as file:
            yield path.name, file
        return
    pattern = getattr(contract.government.source, "archive_member", None) or "*"
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            content = archive.extractfile(member) if fnmatch.fnmatch(member.name, pattern) else None
            if content is not None:
                yield member.name, content


def _rows(
    contract: Contract, columns: dict[str, str], name: str, rows: Iterator[list[str]], division: str
) -> Iterator[Record]:
    headings = [plain_text(cell.lstrip("\ufeff")) for cell in next(rows, [])]
    places: dict[str, list[int]] = {}
    for column, field in columns.items():
        item = contract.government.items[column]
        known = {plain_text(heading) for heading in (*item.source_names, column)}
        if not item.of:
            places.setdefault(field, []).extend(i for i, heading in enumerate(headings) if heading in known)
    if not places.get("name"):
        raise ListUnreadableError(f"no heading is the name that {contract.id} declares", place=name)
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, start=2):
        if tuple(row) in seen or not any(row):
            continue
        seen.add(tuple(row))
        record: Record = {RECORD_ID: f"{contract.id}|{name}:{number}", "province_code": division}
        for field, found in places.items():
            record[field] = next((row[i] for i in found if i < len(row) and row[i].strip()), None)
        yield record


def silver_records(
    spark: SparkSession,
    contract: Contract,
    model: LinkageModel,
    version: int | None = None,
    changed: DataFrame | None = None,
) -> DataFrame:
    """Return the living records of a silver table, all text; of several rows of one record the newest.

    Args:
        spark: the session.
        contract: of the table.
        model: says which elements are compared.
        version: of the table; default the newest.
        changed: only these records, one column ``_record_key``; default all.
    """
    columns = fields_of(contract, model)
    rows = delta.read(spark, table_of(contract), version).where(~F.col("_is_deleted"))
    if changed is not None:
        rows = rows.join(F.broadcast(changed), "_record_key", "left_semi")
    fields: dict[str, list[str]] = {}
    for column, field in columns.items():
        fields.setdefault(field, []).append(column)
    picked = [F.coalesce(*[F.col(c).cast("string") for c in found]).alias(f) for f, found in fields.items()]
    record = F.concat_ws("|", F.lit(contract.id), F.col("_record_key")).alias(RECORD_ID)
    return newest_rows(rows).select(record, *picked)


def keyed(records: Iterable[Record]) -> dict[str, Record]:
    """Return record id → record."""
    return {str(record[RECORD_ID]): record for record in records}
