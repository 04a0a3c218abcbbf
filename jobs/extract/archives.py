"""Archives (压缩包): members of a tar file, each a delivery of its own; nothing in it may point outside."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Self

from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.landing import BLOCK

MEMBER_LIMIT = 2 << 30
TOTAL_LIMIT = 8 << 30
COUNT_LIMIT = 10_000
HEADER_LIMIT = 1 << 16
"""Bytes in the extended header of one member: a long name, no bomb."""
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class _BoundedMember(tarfile.TarInfo):
    """A member whose extended header is looked at before it is read into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read one header block."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _EXTENDED and member.size > HEADER_LIMIT:
            raise tarfile.ReadError(f"an extended header of {member.size:,} bytes")
        return member


class Archive:
    """A tar archive whose list of members was checked before anything is unpacked."""

    def __init__(self, path: Path, pattern: str, place: str) -> None:
        self.place = place
        try:
            self._tar = tarfile.open(path, mode="r:*", tarinfo=_BoundedMember)  # noqa: SIM115 - closed by __exit__
            members = self._checked_members()
        except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            reason = " ".join(str(error).split())
            raise self._refusal(f"not a readable tar archive ({type(error).__name__}: {reason})") from error
        files = [member for member in members if member.isfile()]
        self.members = sorted((m for m in files if fnmatchcase(m.name, pattern)), key=lambda m: m.name)
        chosen = {member.name for member in self.members}
        self.ignored = [member.name for member in files if member.name not in chosen]
        if not self.members:
            raise DeliveryHeldError(
                "EMPTY_DELIVERY",
                f"no member matches {pattern}",
                place=place,
                remedy="ask the department for the agreed archive, or correct archive_member in the contract",
                detail={"members": self.ignored[:50]},
            )

    def _checked_members(self) -> list[tarfile.TarInfo]:
        members: list[tarfile.TarInfo] = []
        seen: set[str] = set()
        total = 0
        for member in self._tar:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or "\\" in member.name:
                raise self._refusal(f"member {member.name} points outside the archive")
            if not (member.isfile() or member.isdir()) or member.issparse():
                raise self._refusal(f"member {member.name} is a link, a device or a sparse file")
            if member.isfile() and member.name in seen:
                raise self._refusal(f"member {member.name} comes twice")
            seen.add(member.name)
            total += member.size
            if member.size > MEMBER_LIMIT or total > TOTAL_LIMIT or len(members) >= COUNT_LIMIT:
                raise self._refusal(f"more than {COUNT_LIMIT:,} members, or unpacks to more than the limit")
            members.append(member)
        self._refuse_broken_off(members)
        return members

    def _refuse_broken_off(self, members: list[tarfile.TarInfo]) -> None:
        """Refuse an archive without its end mark: a damaged header would end the list of members in silence."""
        last = members[-1] if members else None
        end = 0 if last is None else last.offset_data + -(-last.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        stream = self._tar.fileobj
        if stream is not None:
            stream.seek(end)
            if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                after = f"after member {last.name}" if last else "at its beginning"
                raise self._refusal(f"the archive is damaged or cut off {after}")
            while stream.read(BLOCK):
                pass  # to the very end, where a compressed file has its checksum

    def _refusal(self, message: str) -> DeliveryHeldError:
        return DeliveryHeldError(
            "ARCHIVE_UNSAFE",
            message,
            place=self.place,
            remedy="nothing was unpacked; ask the department for a plain tar of plain files",
        )

    def blocks(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        """Yield the bytes of a member."""
        stream = self._tar.extractfile(member)
        if stream is None:
            raise self._refusal(f"member {member.name} cannot be read")
        with stream:
            while block := stream.read(BLOCK):
                yield block

    def __enter__(self) -> Archive:
        """Return the archive itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._tar.close()
