"""The account of a run as tables for people (结果报告), Chinese beside English."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.run.summary import Summary, shortcomings


def print_report(console: Console, summary: Summary) -> None:
    """Print what was read, found, shared and read back, and whether all is in order.

    Where tasks failed, only they are told: what is missing follows from them, and ``summary.json`` lists it.
    """
    console.print(_rows(summary))
    if summary.verdicts:
        console.print(_faults(summary))
    if summary.real_data:
        _print_real(console, summary)
    console.print(_shares(summary))
    _print_end(console, summary)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        english, chinese = heading.rsplit(" ", 1)
        table.add_column(f"{english}\n{chinese}", justify="right" if place else "left", overflow="fold")
    return table


def _rows(summary: Summary) -> Table:
    title = f"Rows of day {summary.day}, {summary.business_date} (当日数据量)"
    table = _table(title, "table 表", "read 读入", "accepted 接受", "set aside 待处置", "rejected 退回")
    for name, rows in summary.tables.items():
        table.add_row(name, *(f"{count:,}" for count in (rows.read, rows.accepted, rows.set_aside, rows.rejected)))
    return table


def _faults(summary: Summary) -> Table:
    table = _table("Planted and found (预埋问题检出)", "kind 类别", "planted 预埋", "found 检出", "false alarms 误报")
    for kind, verdict in sorted(summary.verdicts.items()):
        colour = "" if verdict.is_whole else "red"
        table.add_row(
            Text(kind, colour),
            f"{verdict.planted:,}",
            Text(f"{verdict.found:,}", colour),
            f"{len(verdict.false_alarms):,}",
        )
    return table


def _print_real(console: Console, summary: Summary) -> None:
    table = _table(
        "Real lists (真实数据)", "source 来源", "read 读入", "accepted 接受", "set aside 待处置", "rejected 退回"
    )
    for name, report in summary.real_data.items():
        counts = (report.read, report.accepted, report.set_aside, report.rejected)
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    for name, report in summary.real_data.items():
        if report.reasons:
            told = ", ".join(f"{reason} {count:,}" for reason, count in report.reasons.items())
            console.print(f"  {name}: {told}", markup=False, highlight=False, soft_wrap=True)


def _shares(summary: Summary) -> Table:
    table = _table("Shared tables (共享表)", "share 共享", "table 表", "version 版本", "rows 行")
    for entry in summary.shares:
        name = f"{entry['schema']}.{entry['table']}"
        table.add_row(str(entry["share"]), name, str(entry["version"]), f"{entry['rows']:,}")
    return table


def _print_end(console: Console, summary: Summary) -> None:
    if summary.reading:
        word = "equal row for row (逐行一致)" if summary.reading.equal else f"NOT equal: {summary.reading.difference}"
        told = f"Recipient read {summary.reading.table}: {summary.reading.rows:,} rows, {word}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    if summary.proved:
        word = "all as the ledger says (账实一致)" if not summary.unproved else f"{len(summary.unproved)} DIFFER"
        console.print(f"Proof of the ledger: {sum(summary.proved.values()):,} rows and keys compared, {word}",
                      markup=False, highlight=False)  # fmt: skip
    if summary.restarts:
        told = ", ".join(f"{name} {count}" for name, count in summary.restarts.items())
        console.print(f"Restarted on the way (重启): {told}", markup=False, highlight=False)
    spent = f"{summary.seconds:.0f} s, memory at most {summary.peak_memory_mb:,} MB"
    reasons = shortcomings(summary)
    if not reasons:
        console.print(Text(f"Day {summary.day} is in order (通过). {spent}", "bold green"))
        return
    console.print(Text(f"Day {summary.day} is NOT in order (未通过). {spent}", "bold red"))
    for reason in summary.failures or reasons:
        console.print(f"  – {reason}", markup=False, highlight=False, soft_wrap=True)
