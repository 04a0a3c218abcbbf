"""Before and after a journey (起止): settings, stack and departments first; the account, and the stack's end, last."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from catalog.model.settings import load_settings
from infra.run.data_docs import DataDocs, data_docs
from infra.run.day import next_day
from infra.run.departments import make_departments
from infra.run.journey import Journey, finish, new_summary
from infra.run.one_at_a_time import only_run
from infra.run.quality_reports import leave_reports
from infra.run.real_lists import find_folder
from infra.run.report import print_report
from infra.run.summary import new_run_id
from infra.run.watch import Watch
from infra.stack import Stack, down, is_running, update_settings
from infra.stack.commands import start
from infra.stack.home import Home
from infra.stack.spark_server import JAVA_OPTIONS, QUICK_SERVER

WIDTH = 110
"""Characters a line where the output goes to a file or pipe, which have no width of their own."""
console = Console(width=None if sys.stdout.isatty() else WIDTH)


def perform(*, scale: float | None, real_data: Path | None, keep_up: bool, seconds: float) -> int:
    """Run one demonstration day and return the exit code: 0 only when everything is in order.

    Args:
        scale: size of the departments; None keeps what the home began with.
        real_data: folder with real lists.
        keep_up: whether the stack stays up afterwards; one that was up before always does.
        seconds: time limit of the round.
    """
    began, home = time.monotonic(), Home.find()
    signal.signal(signal.SIGTERM, _interrupt)
    folder = find_folder(real_data, console)
    home.create()
    try:
        with only_run(home.root), data_docs(home, console) as docs, _ending(home, keep_up):
            stack = start_with(folder, home, scale)
            return _one_day(stack, scale, folder, began, seconds, docs)
    except GuantongError as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; the day is done anew by the next run.", style="yellow")
        return 130


@contextmanager
def _ending(home: Home, keep_up: bool) -> Iterator[None]:
    """End the stack afterwards, unless it is to stay or was up before."""
    was_up = is_running(home)
    try:
        yield
    finally:
        if not (was_up or keep_up):
            console.print("Ending the stack (停止运行栈)…", style="dim")
            down(home=home)


def _interrupt(number: int, frame: object) -> None:
    """End as on an interrupt from the keyboard, so that what was started is ended too."""
    raise KeyboardInterrupt


def start_with(folder: Path | None, home: Home, scale: float | None) -> Stack:
    """Start the stack, following the real lists in ``folder``, or none; a small day gets the quick server."""
    os.environ.pop("REAL_DATA", None)
    if folder:
        os.environ["REAL_DATA"] = str(folder)
    if not folder and (scale or 1.0) <= 1.0:
        os.environ.setdefault(JAVA_OPTIONS, QUICK_SERVER)
    update_settings(
        home, REAL_DATA=str(folder) if folder else None, SOURCE_REAL_DATA=f"file:{folder}" if folder else None
    )
    return start()


def _one_day(
    stack: Stack, scale: float | None, folder: Path | None, began: float, seconds: float, docs: DataDocs
) -> int:
    day = next_day(stack.home.root)
    summary = new_summary(new_run_id(day.number), day)
    summary.phases["stack"] = stack.seconds
    update_settings(stack.home, BUSINESS_DATE=day.business_date.isoformat())
    settings = load_settings({**os.environ, "GUANTONG_HOME": str(stack.home.root), "BUSINESS_DATE": ""})
    made = time.monotonic()
    make_departments(settings, day, scale, console)
    summary.phases["departments"] = time.monotonic() - made
    journey = Journey(
        stack, settings, get_registry(), day, summary, console, time.monotonic() + seconds, real=folder is not None
    )
    with Watch(stack.home) as watch:
        journey.go(watch)
        docs.begin()
        index = leave_reports(settings, console, summary.phases)
        is_in_order = finish(journey, watch, began)
    print_report(console, summary)
    if index:
        console.print(f"Quality reports (质量报告): {index}", highlight=False, soft_wrap=True)
    console.print(f"Summary (总结): {settings.home / 'summary.json'}", highlight=False, soft_wrap=True)
    return 0 if is_in_order else 1
