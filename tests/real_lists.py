"""Where the real departmental lists lie; they are not ours to ship, and tests on them are skipped without them."""

import os
from pathlib import Path

import pytest

from catalog.model.settings import CHECKOUT


def real_lists_folder() -> Path:
    """Return the folder that ``REAL_DATA`` names, else the one beside the checkout; skip the test without it."""
    folder = Path(os.environ.get("REAL_DATA") or CHECKOUT / ".." / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"the real lists are not here: set REAL_DATA to their folder (looked in {folder.name})")
    return folder
