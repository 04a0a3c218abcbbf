"""Links by national key (确定性关联): citizen number; credit code, organisation code, old registration number.

Features hold a key only when it is valid, so that an invalid or missing one never links anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

KEYS: dict[str, tuple[str, ...]] = {
    "person": ("key",),
    "entity": ("key", "organisation_code", "registration_no"),
}
"""Kind of features → the keys by which two records are the same, the strongest first."""


def owners_of(library: pa.Table, column: str) -> dict[str, list[str]]:
    """Return key → the records of ``library`` that have it, in order."""
    owners: dict[str, list[str]] = {}
    for record, key in zip(library["record_id"].to_pylist(), library[column].to_pylist(), strict=True):
        if key is not None:
            owners.setdefault(key, []).append(record)
    return {key: sorted(records) for key, records in owners.items()}


def link_by_key(kind: str, new: pa.Table, library: pa.Table) -> pa.Table:
    """Return ``left_id``, ``right_id`` and ``rule`` of every pair that shares a valid key, by the strongest they share.

    Two records with different valid national keys are never linked by a weaker one: an organisation code or an old
    registration number serves only where one of both lacks the key. ``right_id`` can be several of a library that
    holds one key twice.
    """
    found: list[tuple[str, str, str]] = []
    national_of = dict(zip(library["record_id"].to_pylist(), library["key"].to_pylist(), strict=True))
    owners = {column: owners_of(library, column) for column in KEYS[kind]}
    columns = [new[column].to_pylist() for column in KEYS[kind]]
    for record, *keys in zip(new["record_id"].to_pylist(), *columns, strict=True):
        for column, key in zip(KEYS[kind], keys, strict=True):
            linked = [right for right in owners[column].get(key, ()) if right != record] if key else []
            agreed = [right for right in linked if not _contradict(keys[0], national_of[right])]
            if agreed:
                found += [(record, right, column) for right in agreed]
                break
    return _table(found)


def _contradict(one: str | None, other: str | None) -> bool:
    """Tell whether both are valid national keys and differ."""
    return one is not None and other is not None and one != other


def _table(rows: Iterable[tuple[str, str, str]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    names = ("left_id", "right_id", "rule")
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})
