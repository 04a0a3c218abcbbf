"""Files for their owner alone (私有文件): whole and on the disk, or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``path`` when the block ends, readable to its owner only (0600).

    It is synced before it takes its place, and its folder after: what the block wrote outlives a power cut. When the
    block fails, what was there before stays.

    Args:
        path: the file; its folder exists.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_private(path: Path, content: bytes) -> None:
    """Write ``content`` as the whole of ``path``: see :func:`private_file`."""
    with private_file(path) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: a file that was renamed may else have its old name after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
