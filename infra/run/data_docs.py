"""Data Docs of the checks (检查文档) at the end of a run: made by a process of its own, while the stack ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from catalog.model.settings import CHECKOUT
from infra.stack.home import Home

PATIENCE_SECONDS = 120
COMMAND = [sys.executable, "-m", "expectations", "docs"]


class DataDocs:
    """The pages of one run; nothing is made until :meth:`begin`."""

    def __init__(self, home: Home) -> None:
        """Prepare to write the pages of the checks below ``home``."""
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def index(self) -> Path:
        """The first page."""
        return self._home.root / "reports" / "data-docs" / "index.html"

    @property
    def log(self) -> Path:
        """What the process said."""
        return self._home.logs / "data-docs.log"

    def begin(self) -> None:
        """Start making the pages; all checks of the run must have ended."""
        environment = {**os.environ, "GUANTONG_HOME": str(self._home.root)}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                COMMAND, cwd=CHECKOUT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def finish(self, patience: float = PATIENCE_SECONDS) -> bool | None:
        """Wait for the pages: True when they are there, False when they could not be made, None when not begun."""
        if self._process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(patience) == 0
        self._process.kill()
        self._process.wait()
        return False


@contextmanager
def data_docs(home: Home, console: Console) -> Iterator[DataDocs]:
    """Lend what makes the pages, and say afterwards where they are; trouble is told and does not undo the day."""
    docs = DataDocs(home)
    try:
        yield docs
    finally:
        made = docs.finish()
        if made:
            console.print(f"Data Docs (检查文档): {docs.index}", highlight=False, soft_wrap=True)
        elif made is False:
            told = f"Data Docs were not written (检查文档未生成): see {docs.log}"
            console.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)
