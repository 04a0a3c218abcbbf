"""What the first bytes of a file prove (文件特征): its container, or the encoding that its column names are in."""

from __future__ import annotations

import re
from collections.abc import Collection

from jobs.extract.header import normalise

_CONTAINERS = {
    b"PK\x03\x04": "a ZIP archive or an XLSX workbook",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an XLS workbook, or a workbook with a password",
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"%PDF-": "a PDF document",
    b"PAR1": "a Parquet file",
}
_BETWEEN_NAMES = re.compile(r'[,;|\t\r\n":{}\[\]]')


def name_container(head: bytes) -> str | None:
    r"""Return what a file is that begins so, or nothing when it may be text.

    >>> name_container(b"PK\x03\x04..."), name_container("统一社会信用代码,店铺名称".encode())
    ('a ZIP archive or an XLSX workbook', None)
    """
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((name for magic, name in _CONTAINERS.items() if head.startswith(magic)), None)


def encoding_by_names(head: bytes, declared: str, names: Collection[str]) -> str:
    """Return the encoding in which the header holds a Chinese column name; the declared one when that decides nothing.

    Args:
        head: the first bytes of the file.
        declared: ``utf-8`` or ``gb18030``, by the contract.
        names: column names of the contract, normalised.
    """
    other = "gb18030" if declared == "utf-8" else "utf-8"
    is_other = _holds_name(head, other, names) and not _holds_name(head, declared, names)
    return other if is_other else declared


def wide_codec(head: bytes, names: Collection[str]) -> str | None:
    """Return the codec of bytes that are UTF-16 text without a byte order mark: a column name proves it."""
    codecs = ("utf-16-le", "utf-16-be") if 0 in head else ()
    return next((codec for codec in codecs if _holds_name(head, codec, names)), None)


def _holds_name(head: bytes, codec: str, names: Collection[str]) -> bool:
    """Tell whether the first bytes hold a column name that is not ASCII, in ``codec``."""
    parts = _BETWEEN_NAMES.split(head.decode(codec, "ignore"))
    return any(not part.isascii() and normalise(part) in names for part in parts)
