"""One reviewed line more in a code list (代码集增补): what a department writes, and the code that it means.

Invariant: the file is whole at every moment, and every line that it had stays as it was, byte for byte.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.model import codes
from catalog.model.codes import Code, CodeList, forget_code_lists, load_code_list, read_codes
from catalog.model.errors import GuantongError

_UNCLEAN = re.compile("[\uff01-\uff5e\u3000\u00a0\u200b-\u200d\u2060\ufeff\u00ad\r\n\t\0]|\\A | \\Z|\\A\\Z")
"""What never reaches a code list, because cleaning takes it out of every value first."""


class CodeAdditionRefusedError(GuantongError):
    """A value cannot be mapped as asked."""

    code = "CODE_ADDITION_REFUSED"


def add_mapping(list_name: str, value: str, target: str | None, folder: Path | None = None) -> bool:
    """Add the line by which ``value`` means the canonical code ``target``, or no value at all when there is none.

    Args:
        list_name: a list of ``folder``.
        value: what departments write, as cleaned.
        target: the canonical code meant; None makes the value an ignored one.
        folder: default ``catalog/codes``.

    Returns:
        Whether the line is new; False when the list says so already.

    Raises:
        ContractError: when there is no such list, or it would contradict itself.
        CodeAdditionRefusedError: when the value is a code itself or means another, or the target is not canonical.
    """
    path = (folder or codes.CODES) / f"{list_name}.csv"
    load_code_list(list_name, folder)
    with _sole_writer(path.parent):
        current = CodeList(list_name, read_codes(path))
        _refuse_unfit(current, value, target, path)
        if (current.fixes.get(value) == target) if target else (value in current.ignored):
            return False
        named = current.lines_of(target)[-1].name if target else "无值"
        line = Code(value, named, "", "", "fixable" if target else "ignored", target or "")
        _replace(path, _with_line(path.read_bytes(), line), (*current.codes, line))
    forget_code_lists()
    return True


def _refuse_unfit(current: CodeList, value: str, target: str | None, path: Path) -> None:
    problem = remedy = ""
    if _UNCLEAN.search(value):
        problem = f"{value!r} is not a value as cleaned"
        remedy = "write it as `codes unmapped` shows it: half-width, no blanks around it"
    elif target is not None and target not in current.canonical_codes:
        problem = f"{target!r} is no canonical code of {current.name}"
        likely = ", ".join(f"{code.code} {code.name}" for code in current.nearest(target))
        remedy = f"`codes show {current.name}` lists them" + (f"; likely: {likely}" if likely else "")
    elif value in current.canonical_codes:
        problem = f"{value!r} is itself a canonical code of {current.name}"
        remedy = f"nothing to map; `codes show {current.name} {value}` says whether it has retired"
    elif current.fixes.get(value, target) != target or (value in current.ignored and target is not None):
        problem = f"{value!r} already means {current.fixes.get(value, 'no value')}"
        remedy = f"if that is wrong, mend the line in {path.name} and have it reviewed"
    if problem:
        raise CodeAdditionRefusedError(problem, place=str(path), remedy=remedy)


@contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that of two additions neither is lost."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _with_line(content: bytes, line: Code) -> bytes:
    out = io.StringIO()
    fields = (line.code, line.name, line.valid_from, line.valid_to, line.kind, line.successor)
    csv.writer(out, lineterminator="\n").writerow(fields)
    return content + (b"" if content.endswith(b"\n") else b"\n") + out.getvalue().encode()


def _replace(path: Path, content: bytes, expected: tuple[Code, ...]) -> None:
    """Put ``content`` in the place of ``path`` once it reads as ``expected``."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if read_codes(draft) != expected:
            raise CodeAdditionRefusedError("the list would not read as meant", place=str(path), remedy="report it")
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
