"""Stacks of the benchmarks' own, in homes of their own, ended afterwards."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from catalog.model.settings import CHECKOUT, Settings, get_settings
from infra.stack import down, up
from infra.stack.home import Home

RESOURCES = Path(__file__).with_name("resources")


@contextmanager
def bench_stack(table: str = "infra.stack.table:engine") -> Iterator[Settings]:
    """Start a stack in a fresh home and yield its settings, which are this process's own too while it runs."""
    with tempfile.TemporaryDirectory(prefix="guantong-bench-") as folder:
        home = Home(Path(folder) / "home")
        up(home=home, table=table)
        try:
            with patch.dict(os.environ, {"GUANTONG_HOME": str(home.root)}):
                get_settings.cache_clear()
                yield get_settings()
        finally:
            get_settings.cache_clear()
            down(home=home)


def timed(
    settings: Settings, *command: str, business_date: str = "2026-02-01", secrets: dict[str, str] | None = None
) -> float:
    """Run a command as a whole process, ``secrets`` in its environment only; return its seconds."""
    environment = {
        **os.environ,
        "GUANTONG_HOME": str(settings.home),
        "RESOURCE_PATH": str(RESOURCES),
        "BUSINESS_DATE": business_date,
        "PYTHONPATH": str(CHECKOUT),
        **(secrets or {}),
    }
    began = time.monotonic()
    done = subprocess.run([sys.executable, *command], cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[:1500]}\n…\n{done.stderr[-1500:]}")
    return time.monotonic() - began
