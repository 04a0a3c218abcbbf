"""Column names of a delivery against the contract (表头核对): by name, never by position."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.model.contract import Contract
from catalog.model.source import FileSource
from jobs.extract.delivery import DeliveryHeldError, Note
from jobs.extract.garbled import repaired

ROW_NUMBER, SOURCE_FILE = "_row_number", "_source_file"
"""Names that an item may read ``from``: the row's number in its file, and the file's name."""


def normalise(name: str) -> str:
    r"""Return a column name as it is compared: full-width made half-width, no blanks, nothing invisible.

    >>> normalise("\ufeff 统一社会　信用代码（必填）\u200b")
    '统一社会信用代码(必填)'
    """
    folded = unicodedata.normalize("NFKC", name)
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))


@dataclass(frozen=True)
class HeaderMatch:
    """Which cell of a header row is which contract column."""

    cells: tuple[str, ...]
    positions: dict[str, int]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    repeated: tuple[str, ...]

    @property
    def is_reordered(self) -> bool:
        """Whether the known columns stand in another order than in the contract."""
        places = list(self.positions.values())
        return places != sorted(places)


def columns_in_delivery(contract: Contract) -> list[str]:
    """Return the contract columns that the sender delivers, in order; the others the reader fills in."""
    source = contract.source
    filled: set[str] = set()
    if isinstance(source, FileSource):
        filled |= set(source.constants)
        filled |= {source.section_column} if source.section_column else set()
    return [c for c in contract.raw_columns if c not in filled and origin_of(contract, c) is None]


def origin_of(contract: Contract, column: str) -> str | None:
    """Return ``_row_number`` or ``_source_file`` when the column is filled from there, else nothing."""
    names = contract.item(column).source_names
    return next((name for name in (ROW_NUMBER, SOURCE_FILE) if name in names), None)


def names_of(contract: Contract) -> dict[str, str]:
    """Return every name, normalised, under which a delivered column may come, with its contract column."""
    names: dict[str, str] = {}
    for column in columns_in_delivery(contract):
        for name in (column, *contract.item(column).source_names):
            names.setdefault(normalise(name), column)
    return names


def match_header(cells: Sequence[str], contract: Contract) -> HeaderMatch:
    """Find the contract's columns in a header row."""
    names = names_of(contract)
    found: dict[str, int] = {}
    unknown: list[str] = []
    repeated: list[str] = []
    for index, cell in enumerate(cells):
        column = names.get(normalise(cell))
        if column is None:
            unknown.append(cell.strip() or f"(unnamed column {index + 1})")
        elif column in found:
            repeated.append(column)
        else:
            found[column] = index
    wanted = columns_in_delivery(contract)
    positions = {column: found[column] for column in wanted if column in found}
    missing = tuple(c for c in wanted if c not in found and not contract.item(c).optional)
    return HeaderMatch(tuple(cells), positions, tuple(unknown), missing, tuple(repeated))


def positional_header(contract: Contract) -> HeaderMatch:
    """Return the match of a delivery that by its contract carries no header: the contract's own order."""
    columns = columns_in_delivery(contract)
    return HeaderMatch(tuple(columns), {c: i for i, c in enumerate(columns)}, (), (), ())


def check_header(
    match: HeaderMatch, contract: Contract, place: str, rows: int = 0, *, is_ordered: bool = True
) -> list[Note]:
    """Return what is worth noting about a header.

    Args:
        match: the header found.
        contract: the resource.
        place: the file's name in messages.
        rows: how many rows are held with it.
        is_ordered: whether the order of the names means anything, as in JSON it does not.

    Raises:
        DeliveryHeldError: COLUMN_REPEATED, COLUMN_MISSING, or COLUMN_ADDED where the contract holds unknown columns.
    """
    if not match.positions:
        raise _no_header(match, contract, place, rows)
    detail = {"missing": list(match.missing), "unknown": list(match.unknown), "header": list(match.cells)}
    if match.repeated:
        columns = ", ".join(dict.fromkeys(match.repeated))
        names = names_of(contract)
        cells = [
            f"{c.strip()} ({i})" for i, c in enumerate(match.cells, 1) if names.get(normalise(c)) in match.repeated
        ]
        raise DeliveryHeldError(
            "COLUMN_REPEATED",
            f"column {columns} comes twice in the header: {', '.join(cells)}",
            place=place,
            remedy="ask the department which of the two it means and to leave out the other",
            rows=rows,
            detail=detail,
        )
    if match.missing:
        unknown = f"; unknown: {', '.join(match.unknown)}" if match.unknown else ""
        raise DeliveryHeldError(
            "COLUMN_MISSING",
            f"column {', '.join(match.missing)} is missing{unknown}",
            place=place,
            remedy="if the department renamed it, add the new name under government.items.<column>.from of "
            f"{contract.id} and replay the batch; otherwise ask for the file again",
            rows=rows,
            detail=detail,
        )
    notes = []
    if match.unknown:
        if not isinstance(contract.source, FileSource) or contract.source.unknown_columns == "hold":
            raise DeliveryHeldError(
                "COLUMN_ADDED",
                f"column {', '.join(match.unknown)} is not in the contract",
                place=place,
                remedy=f"add it to {contract.id}, or set unknown_columns: note there, and replay the batch",
                rows=rows,
                detail=detail,
            )
        notes.append(Note("COLUMN_ADDED", place, detail, len(match.unknown)))
    if is_ordered and match.is_reordered:
        notes.append(Note("HEADER_REORDERED", place, {"header": list(match.cells), "contract": list(match.positions)}))
    return notes


def _no_header(match: HeaderMatch, contract: Contract, place: str, rows: int) -> DeliveryHeldError:
    """Return why a delivery without any known name is held; its first row may be data, so it is not shown."""
    garbled = any(repaired(cell) for cell in match.cells)
    why = "; they were decoded wrongly before the file was written" if garbled else ""
    return DeliveryHeldError(
        "COLUMN_MISSING",
        f"none of the {len(match.cells)} cells of the first row is a column name of the contract{why}",
        place=place,
        remedy="ask the department for the file with its header row, or in the agreed encoding; a file that never has "
        f"one needs header_required: false in {contract.id}",
        rows=rows,
        detail={"missing": list(match.missing), "cells": len(match.cells)},
    )
