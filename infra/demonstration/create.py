"""Makes one day of demonstration deliveries for real (生成示范数据): databases, files, lists, answer key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from catalog.model.errors import GuantongError
from catalog.model.settings import Settings
from infra.demonstration.answer_key import write_answer_key
from infra.demonstration.databases import deliver_market, deliver_population
from infra.demonstration.lists import write_list
from infra.demonstration.outbox import drop_file, outbox_path
from infra.demonstration.world import Deliveries, make_day

Progress = Callable[[str, int], None]
"""Told what was just delivered, and how many rows."""
DEFAULT_SEED = 20_250_801
LEAST_SCALE = 0.02


class DemonstrationError(GuantongError):
    """The demonstration departments (示范部门) cannot make the day asked for."""

    code = "DEMONSTRATION_DAY"


@dataclass(frozen=True)
class DatasetReport:
    """What one dataset brought on one day."""

    rows: int
    """Rows handed over: feed rows, rows written, rows in files."""
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class DayReport:
    """One day of the demonstration."""

    day: int
    business_date: date
    """The pipeline must work for this date; ``BUSINESS_DATE`` says so."""
    seed: int
    scale: float
    datasets: dict[str, DatasetReport]
    planted: dict[str, int]
    files: list[str] = field(default_factory=list)
    seconds: float = 0.0


def create_day(
    settings: Settings, day: int, scale: float, seed: int = DEFAULT_SEED, progress: Progress | None = None
) -> DayReport:
    """Make ``day``: the first creates everything, each later one changes about a hundredth.

    The first day's business date is the setting's; day *n* is *n* − 1 days later. A day already made is reported as
    it was, and nothing changes. The same seed, scale and first date give the same rows and bytes.

    Args:
        settings: says where the departments' databases and folders are.
        day: 1, or one more than the last day made.
        scale: 1.0 is about 50,000 people, 20,000 entities and 60,000 licences; ``LEAST_SCALE`` or more.
        seed: source of chance.
        progress: told of every dataset delivered.

    Raises:
        DemonstrationError: when days would be left out, seed or scale changed on the way, or scale is too small.
    """
    tell = progress or (lambda _what, _rows: None)
    made = last_day(settings.home)
    if day <= made and day >= 1:
        return read_report(settings.home, day)
    first_date = _first_date(settings, day, made, scale, seed)
    began = time.monotonic()
    _, deliveries = make_day(seed, scale, first_date, day, lambda number: tell(f"day {number} drawn", 0))
    datasets = _deliver(settings, deliveries, tell)
    write_answer_key(settings.home, day, deliveries.planted)
    report = DayReport(
        day,
        deliveries.day.date,
        seed,
        scale,
        datasets,
        deliveries.planted_counts,
        [delivery.name for delivery in deliveries.files],
        round(time.monotonic() - began, 3),
    )
    _write_report(settings.home, report)
    return report


def last_day(home: Path) -> int:
    """Return the number of the last day made, 0 before the first."""
    day = 0
    while _report_path(home, day + 1).is_file():
        day += 1
    return day


def read_report(home: Path, day: int) -> DayReport:
    """Return the report of a day that was made."""
    fields = json.loads(_report_path(home, day).read_text(encoding="utf-8"))
    fields["business_date"] = date.fromisoformat(fields["business_date"])
    fields["datasets"] = {name: DatasetReport(**counts) for name, counts in fields["datasets"].items()}
    return DayReport(**fields)


def _first_date(settings: Settings, day: int, made: int, scale: float, seed: int) -> date:
    """Return the first day's business date, after checking that ``day`` continues what was made."""
    if day != made + 1:
        raise DemonstrationError(
            f"day {day} cannot follow day {made}",
            place=str(_report_path(settings.home, made + 1)),
            remedy=f"make day {made + 1} first",
        )
    if scale < LEAST_SCALE:
        raise DemonstrationError(
            f"scale {scale} is too small to hold every planted fault",
            place="DEMO_SCALE",
            remedy=f"use {LEAST_SCALE} or more",
        )
    if day == 1:
        return settings.business_date
    first = read_report(settings.home, 1)
    if (first.scale, first.seed) != (scale, seed):
        raise DemonstrationError(
            f"day 1 was made with scale {first.scale} and seed {first.seed}, not {scale} and {seed}",
            place=str(_report_path(settings.home, 1)),
            remedy="keep scale and seed, or begin again with another GUANTONG_HOME",
        )
    return first.business_date


def _deliver(settings: Settings, deliveries: Deliveries, tell: Progress) -> dict[str, DatasetReport]:
    feeds, day = deliveries.population, deliveries.day
    deliver_population(settings.source("public_security"), feeds, day.batch)
    reports = {}
    for name, feed in (("resident_feed", feeds.residents), ("household_feed", feeds.households)):
        operations = feed["cd_operation"].value_counts()
        reports[name] = DatasetReport(len(feed), *(int(operations.get(letter, 0)) for letter in "IUD"))
        tell(name, len(feed))
    deliver_market(settings.source("market_regulation"), deliveries.market)
    for name, change in deliveries.market.items():
        rows, new = len(change.written), change.inserted
        reports[name] = DatasetReport(rows, new, rows - new, len(change.deleted))
        tell(name, rows)
    for delivery in deliveries.files:
        drop_file(outbox_path(settings.source(delivery.kind.department_id)), delivery, day)
        earlier = reports.get(delivery.kind.name, DatasetReport(0))
        reports[delivery.kind.name] = DatasetReport(earlier.rows + len(delivery.rows))
        tell(delivery.name, len(delivery.rows))
    lists = {"insured_person": deliveries.insured_persons, "insured_employer": deliveries.insured_employers}
    for name, table in lists.items():
        write_list(settings.home, f"{name.replace('_', '-')}s", table)
        new, changed = deliveries.insurance.inserted[name], deliveries.insurance.updated[name]
        reports[name] = DatasetReport(new + changed, new, changed)
        tell(name, new + changed)
    return reports


def _report_path(home: Path, day: int) -> Path:
    return home / "departments" / f"day-{day}.json"


def _write_report(home: Path, report: DayReport) -> None:
    path = _report_path(home, report.day)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
    partial.replace(path)
