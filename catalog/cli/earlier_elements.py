"""The elements as they were in another folder or at a commit (数据元历史)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from catalog.model.elements import ELEMENTS, Elements, read_folder
from catalog.model.errors import GuantongError
from catalog.model.settings import CHECKOUT


def earlier_elements(folder_or_commit: str) -> Elements:
    """Return the elements of a folder, or of ``catalog/elements`` at a commit of the checkout.

    Raises:
        GuantongError: when there is neither such a folder nor such a commit with elements.
        ContractError: when the elements there are malformed.
    """
    folder = Path(folder_or_commit)
    if folder.is_dir():
        return read_folder(folder)
    inside = ELEMENTS.relative_to(CHECKOUT).as_posix()
    listed = _git("ls-tree", "--name-only", "--end-of-options", folder_or_commit, f"{inside}/")
    names = [name for name in (listed or "").splitlines() if name.endswith(".yml")]
    if not names:
        raise GuantongError(
            f"neither a folder nor a commit with elements: {folder_or_commit}",
            remedy="name a folder of element files, or a commit such as HEAD~1 or a tag",
        )
    with TemporaryDirectory() as copied:
        for name in names:
            text = _git("cat-file", "blob", f"{folder_or_commit}:{name}")
            (Path(copied) / Path(name).name).write_text(text or "", encoding="utf-8")
        return read_folder(Path(copied))


def _git(*arguments: str) -> str | None:
    """Return what git says, or nothing when it refuses."""
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=False)
    return done.stdout if done.returncode == 0 else None
