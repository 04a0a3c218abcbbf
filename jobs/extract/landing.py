"""Landing (落地区): what a department sent, byte for byte, with a manifest; one folder per batch, for nobody else.

Invariant: what a batch is accepted by is on the disk before the batch is on record.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.model.contract import Contract
from catalog.model.private_file import sync_folder, write_private
from catalog.model.settings import get_settings

ROWS_FILE, MANIFEST_FILE, RECEIPT_FILE = "rows.parquet", "manifest.json", "receipt.json"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Received:
    """Bytes that came in and are not yet assigned to a batch."""

    path: Path
    sha256: str
    size: int


def dataset_folder(contract: Contract) -> Path:
    """Return the folder of a dataset, made with mode 0700."""
    return _private(get_settings().landing / contract.government.department / contract.name)


def _private(folder: Path) -> Path:
    """Make a folder and its parents below the state folder readable to their owner alone."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)
    return folder


def receive(contract: Contract, blocks: Iterable[bytes], suffix: str) -> Received:
    """Copy bytes into landing, hashing them on the way."""
    path = _private(dataset_folder(contract) / ".incoming") / f"{uuid.uuid4().hex}{suffix}"
    digest, size = hashlib.sha256(), 0
    path.touch(mode=0o600)
    with path.open("wb") as target:
        for block in blocks:
            digest.update(block)
            size += len(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    return Received(path, digest.hexdigest(), size)


def blocks_of(path: Path) -> Iterable[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            yield block


def batch_folder(contract: Contract, batch_id: str) -> Path:
    """Return the folder of a batch, made if need be."""
    return _private(dataset_folder(contract) / batch_id)


def location_of(contract: Contract, batch_id: str) -> str:
    """Return where a batch lies below the landing folder: a home that is moved keeps it."""
    return batch_folder(contract, batch_id).relative_to(get_settings().landing).as_posix()


def keep(contract: Contract, received: Received, batch_id: str) -> Path:
    """Move received bytes to their batch; a retry of the batch replaces what the earlier try left."""
    target = batch_folder(contract, batch_id) / f"original{received.path.suffix}"
    received.path.replace(target)
    sync_folder(target.parent)
    return target


def keep_beside(contract: Contract, batch_id: str, source: Path, name: str) -> None:
    """Copy a small companion, such as the receipt, to its batch."""
    write_private(batch_folder(contract, batch_id) / name, source.read_bytes())


def keep_bytes(contract: Contract, batch_id: str, name: str, content: bytes) -> None:
    """Write bytes as they were sent to their batch."""
    write_private(batch_folder(contract, batch_id) / name, content)


def discard(contract: Contract, batch_id: str) -> None:
    """Remove the folder of a batch that turned out to hold nothing new and was never registered."""
    shutil.rmtree(dataset_folder(contract) / batch_id, ignore_errors=True)


def original(contract: Contract, batch_id: str) -> Path | None:
    """Return the bytes of a batch as sent, or nothing when landing has none."""
    return next(iter(sorted(batch_folder(contract, batch_id).glob("original*"))), None)


def write_manifest(contract: Contract, batch_id: str, manifest: dict[str, Any]) -> Path:
    """Write the manifest of a batch, whole or not at all."""
    path = batch_folder(contract, batch_id) / MANIFEST_FILE
    write_private(path, json.dumps(manifest, ensure_ascii=False, indent=2, default=str).encode())
    return path
