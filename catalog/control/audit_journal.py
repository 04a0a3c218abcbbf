"""Checkpoints of the audit outside the database (审计检查点): a signed line for each new head, one file a month.

Files are private (0600) and only appended to. A line proves that the chain reached a number with a digest, so that a
tail that was cut off, or a chain that was written anew, no longer fits it.
"""

import errno
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from catalog.control.audit_chain import GENESIS, Link, instant_text
from catalog.control.audit_keys import AuditKeys
from catalog.control.base import utc_now
from catalog.model.errors import GuantongError

logger = logging.getLogger(__name__)

PUBLIC_KEY = "public.key"
ANCHORS = "anchors.jsonl"
ROOM = "room"
"""A file that only takes up space, until a checkpoint needs it."""
ROOM_BYTES = 1 << 16


class JournalError(GuantongError):
    """Checkpoints cannot be written, so nothing may be done."""

    code = "AUDIT_UNAVAILABLE"


@dataclass(frozen=True)
class Checkpoint:
    """One line of a file."""

    place: str
    """File and line."""
    head: Link
    at: str
    valid: bool
    """Whether its signature is the installation's."""


@dataclass(frozen=True)
class Journal:
    """The folder of the checkpoints."""

    folder: Path
    keys: AuditKeys

    @classmethod
    def of(cls, keys: AuditKeys) -> "Journal":
        """Return the journal of an installation."""
        return cls(keys.folder, keys)

    @property
    def path(self) -> Path:
        """The file of the present month."""
        return self.folder / f"checkpoints-{utc_now():%Y-%m}.jsonl"

    def require_writable(self) -> None:
        """Make folder and file where they are not there, and accept only when a line could be added.

        Raises:
            JournalError: when it could not.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            public = self.folder / PUBLIC_KEY
            if not public.exists():
                public.write_text(f"{self.keys.public_key}\n", encoding="ascii")
            os.close(self._open(self.path))
            self._keep_room()
            free = os.statvfs(self.folder)
            if free.f_bavail == 0 or free.f_flag & os.ST_RDONLY:
                raise OSError("no room")
        except OSError as error:
            raise JournalError(
                f"checkpoints of the audit cannot be written ({error.strerror or error}), so the act is refused",
                place=str(self.path),
                remedy="make the folder writable; infra/runbooks/people-and-audit.md",
            ) from error

    def write(self, head: Link) -> None:
        """Add a signed line, on a full disk in the room that was kept; the entry itself is in the database by now.

        A failure is logged, the file stays as it was, and the next act is refused by `require_writable`.
        """
        at = instant_text(utc_now())
        line = {"seq": head.seq, "digest": head.digest, "at": at, "signature": self.keys.sign(_message(head, at))}
        try:
            try:
                self._append(self.path, line)
            except OSError:
                os.truncate(self.folder / ROOM, 0)
                self._append(self.path, line)
        except OSError:
            logger.critical("no checkpoint could be written for entry %d of the audit", head.seq, exc_info=True)

    def read(self) -> Iterator[Checkpoint]:
        """Return the lines of all files, oldest file first, each with its signature proven or not."""
        public = self.keys.signing_key.public_key()
        for path in sorted(self.folder.glob("checkpoints-*.jsonl")):
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                yield _parse(f"{path.name}:{number}", line, public)

    def write_anchor(self, head: Link, archive: str) -> None:
        """Say with which entry the archived beginning ends; the newest anchor holds."""
        at = instant_text(utc_now())
        signature = self.keys.sign(_message(head, at, archive))
        line = {"seq": head.seq, "digest": head.digest, "at": at, "archive": archive, "signature": signature}
        self._append(self.folder / ANCHORS, line, is_durable=True)

    def anchors(self) -> list[tuple[Link, str]]:
        """Return the last entry and the file of every archive whose anchor is genuine, oldest first."""
        path = self.folder / ANCHORS
        public = self.keys.signing_key.public_key()
        found = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
                head, name = Link(int(entry["seq"]), str(entry["digest"])), str(entry["archive"])
                public.verify(bytes.fromhex(entry["signature"]), _message(head, str(entry["at"]), name))
            except (ValueError, KeyError, TypeError, InvalidSignature):
                continue
            found.append((head, name))
        return found

    def anchor(self) -> Link:
        """Return the entry after which the table may begin; without an archive that is the first."""
        return max((head for head, _ in self.anchors()), key=lambda head: head.seq, default=GENESIS)

    def _keep_room(self) -> None:
        """Take some room on the disk, which a line may have when there is none left."""
        descriptor = os.open(self.folder / ROOM, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(descriptor).st_size < ROOM_BYTES:
                os.posix_fallocate(descriptor, 0, ROOM_BYTES)
        finally:
            os.close(descriptor)

    def _append(self, path: Path, line: dict[str, object], *, is_durable: bool = False) -> None:
        """Add a line to a file, or leave the file as it was.

        Raises:
            OSError: when the line could not be written whole.
        """
        text = (json.dumps(line) + "\n").encode()
        descriptor = self._open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, text) < len(text):
                    raise OSError(errno.ENOSPC, "the line was written in part")
                if is_durable:
                    os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)

    @staticmethod
    def _open(path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _message(head: Link, at: str, archive: str = "") -> bytes:
    kind = "archive" if archive else "checkpoint"
    return f"guantong-audit-{kind}\n{head.seq}\n{head.digest}\n{at}\n{archive}".encode()


def _parse(place: str, line: str, public: Ed25519PublicKey) -> Checkpoint:
    try:
        found = json.loads(line)
        head, at = Link(int(found["seq"]), str(found["digest"])), str(found["at"])
        public.verify(bytes.fromhex(found["signature"]), _message(head, at))
    except (ValueError, KeyError, TypeError):
        return Checkpoint(place, Link(0, ""), "", False)
    except InvalidSignature:
        return Checkpoint(place, head, at, False)
    return Checkpoint(place, head, at, True)
