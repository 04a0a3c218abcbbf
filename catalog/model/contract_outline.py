"""What a timetable needs of a contract (契约摘要), kept on disk, so that thousands need not be read again.

Invariant: an outline is used only for the very file, elements, code lists, departments, code and day it was made of.
What is kept is a convenience: when it is stale, damaged or another's, the contracts are read, and it is written anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalog.model.contract import Contract
from catalog.model.contract_files import ContractFile
from catalog.model.layers import stages_of
from catalog.model.private_file import write_private

_BELOW = {"silver": frozenset[str](), "base": frozenset({"silver", "base"}), "gold": frozenset({"base"})}
"""Layer → the layers from which it may be built."""
_KEYLESS = (
    "give the source the column, or say `linked: true` in reconcile, with a model in catalog/linkage, "
    "or `keyed_by: own_logic`"
)
RACY_SECONDS = 2.0
"""A file that changed so shortly before its outline was written may have changed again with the same time and size."""


@dataclass(frozen=True)
class Outline:
    """One contract, as far as it is scheduled and described."""

    id: str
    domain: str
    name: str
    business_name: str
    department: str
    layer: str
    stages: tuple[str, ...]
    """The stages through which it goes, in order."""
    schedule: str | None
    is_demonstration: bool
    purpose: str
    limitations: str
    columns: tuple[tuple[str, str, str, bool], ...]
    """Name, Chinese name, logical type, whether it is part of the key."""
    inputs: tuple[str, ...]
    """Resources from whose tables it is built."""
    key: str | None
    """Column by which a base library knows its entities, where each of ``speaking`` must have it."""
    speaking: tuple[str, ...]
    """Those of its inputs whose rows say something of its entities."""

    @property
    def table(self) -> str:
        """The table that it describes."""
        return f"{self.layer}.{self.domain}__{self.name}"


def outline_of(contract: Contract, inputs: Iterable[str]) -> Outline:
    """Return the outline of a contract that is built from ``inputs``."""
    government, description, spec = contract.government, contract.description, contract.government.reconcile
    return Outline(
        id=contract.id,
        domain=contract.domain,
        name=contract.name,
        business_name=contract.table.business_name,
        department=government.department,
        layer=government.layer,
        stages=stages_of(contract),
        schedule=government.schedule,
        is_demonstration=government.demonstration,
        purpose=description.purpose,
        limitations=description.limitations,
        columns=tuple((p.name, p.business_name, p.logical_type, p.primary_key) for p in contract.properties),
        inputs=tuple(inputs),
        key=spec.key if spec and not spec.linked and spec.keyed_by == "column" else None,
        speaking=tuple(spec.inputs) if spec else (),
    )


def building_problem(built: Outline, source: Outline) -> tuple[str, str] | None:
    """Return why ``built`` cannot be built from ``source``, and what to do; None when it can."""
    if source.layer not in _BELOW[built.layer]:
        said = f"{built.id} ({built.layer}) cannot be built from {source.id} ({source.layer})"
        return said, "data flows silver → base → gold"
    if built.key is None or source.id not in built.speaking or built.key in {name for name, *_ in source.columns}:
        return None
    said = f"{source.id} has no column {built.key}, by which {built.id} knows its entities, and is not linked"
    return said, _KEYLESS


class OutlineIndex:
    """The outlines of a registry's good contracts, in one file of its owner's alone (0600)."""

    def __init__(self, path: Path, terms: str) -> None:
        """Read what ``path`` keeps for ``terms``, the digest of all that contracts rest on beside their files."""
        self.path, self.terms = path, terms
        self._kept = _read(path, terms)
        self._found: dict[str, dict[str, Any]] = {}

    def of(self, file: ContractFile) -> Outline | None:
        """Return the outline made of the file as it is, or None when the contract must be read."""
        kept = self._kept.get(file.resource)
        if kept is None or kept["path"] != str(file.path):
            return None
        is_same = tuple(kept["stamp"]) == file.stamp and not kept["is_racy"]
        if not is_same and _digest(file.path) != kept["sha256"]:
            return None
        self._keep(file, kept["sha256"], kept["outline"])
        return _restored(kept["outline"])

    def add(self, file: ContractFile, sha256: str, outline: Outline) -> None:
        """Take up the outline of a file that was read, with the hash of its content."""
        self._keep(file, sha256, asdict(outline))

    def save(self) -> None:
        """Write the outlines taken up or used, if they are others than before; never mind a home that is read-only."""
        if self._found == self._kept:
            return
        body = json.dumps(
            {"terms": self.terms, "files": self._found}, ensure_ascii=False, separators=(",", ":")
        ).encode()
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self.path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def _keep(self, file: ContractFile, sha256: str, outline: dict[str, Any]) -> None:
        is_racy = abs(time.time() - file.stamp[0] / 1e9) < RACY_SECONDS
        self._found[file.resource] = {
            "path": str(file.path), "stamp": list(file.stamp), "is_racy": is_racy, "sha256": sha256, "outline": outline,
        }  # fmt: skip


def _read(path: Path, terms: str) -> dict[str, dict[str, Any]]:
    """Return what an index keeps; nothing when it is damaged, of other terms, or may be written by others."""
    try:
        status = path.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            return {}
        digest, _, body = path.read_bytes().partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return {}
        kept = json.loads(body)
    except (OSError, ValueError):
        return {}
    return kept["files"] if kept["terms"] == terms else {}


def _restored(kept: dict[str, Any]) -> Outline:
    columns = tuple((name, chinese, kind, is_key) for name, chinese, kind, is_key in kept["columns"])
    lists = {name: tuple(kept[name]) for name in ("stages", "inputs", "speaking")}
    return Outline(**{**kept, **lists, "columns": columns})


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def terms_of(paths: Iterable[Path], *more: str) -> str:
    """Return a digest of files, by name, size and time, and of some words: what outlines were made under."""
    digest = hashlib.sha256("\n".join(more).encode())
    for path in sorted(set(paths)):
        status = path.stat()
        digest.update(f"\n{path} {status.st_mtime_ns} {status.st_size}".encode())
    return digest.hexdigest()
