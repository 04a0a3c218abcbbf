"""The state folder of one checkout (状态目录): where each thing lies, and how it is written."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.model.settings import CHECKOUT, home_folder

__all__ = ["CHECKOUT", "MIGRATED", "Home", "read_json", "write_private"]

MIGRATED = "control-migrated"
"""Below the home; there once the control plane's tables were made."""


@dataclass(frozen=True)
class Home:
    """One state folder; two of them never meet.

    Invariant: everything the stack writes is below ``root``, except the PostgreSQL folder of a home that the
    unprivileged database user cannot reach (see ``infra.stack.postgres``).
    """

    root: Path

    @classmethod
    def find(cls) -> Home:
        """Return the home that ``GUANTONG_HOME`` names, else the checkout's own."""
        return cls(home_folder())

    @property
    def logs(self) -> Path:
        """Folder of the process logs."""
        return self.root / "logs"

    @property
    def stack_file(self) -> Path:
        """What runs, as the supervisor last saw it."""
        return self.root / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Held by the living supervisor."""
        return self.root / "supervisor.lock"

    @property
    def ports_file(self) -> Path:
        """The chosen ports."""
        return self.root / "ports.json"

    @property
    def secrets_file(self) -> Path:
        """The generated secrets."""
        return self.root / "secrets.json"

    @property
    def env_file(self) -> Path:
        """The settings that every command reads."""
        return self.root / "env"

    @property
    def fingerprint(self) -> str:
        """Eight characters that tell this home from others."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    def log(self, name: str) -> Path:
        """Return the log file of process ``name``."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the folder and its private parts; an existing folder keeps its mode.

        As root the folder can be passed through, not listed, so that the database user reaches its own part.
        """
        if not self.root.exists():
            self.root.mkdir(parents=True)
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.logs, self.root / "spark", self.root / "lake"):
            if not folder.exists():
                folder.mkdir(mode=0o700)


def python(*arguments: str) -> list[str]:
    """Return the command line of a Python module run by this very interpreter."""
    return [sys.executable, *arguments]


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step, readable by its owner only; on the disk when it returns, or not at all.

    Raises:
        OSError: when it cannot be written; the file is then as it was, and nothing of the text is left.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in ``path``; an absent file is an empty one."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found
