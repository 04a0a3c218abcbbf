"""``python -m expectations simulate`` and ``activate``: try a changed rule on earlier versions, put rules in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as ScreenTable

from catalog.cli.output import screen
from catalog.cli.signing import By
from catalog.model.registry import get_registry

if TYPE_CHECKING:
    from expectations.simulate import Simulated

Resource = Annotated[str, typer.Argument(help="Resource id, such as population.resident.")]
RuleFile = Annotated[Path, typer.Option("--rule", "-r", help="YAML list of {rule, type, kwargs, severity, zh, en}.")]
Versions = Annotated[int, typer.Option("--batches", "-n", min=1, help="How many of the newest versions to try.")]


def simulate(
    resource: Resource,
    rule: RuleFile,
    batches: Versions = 5,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what changed rules would have done to the last versions of a table; nothing is changed or recorded."""
    from expectations.proposals import read_proposals
    from expectations.simulate import simulate as simulate_rules
    from jobs.runtime.spark import connect

    registry = get_registry()
    found = simulate_rules(connect(), registry.get(resource), registry, read_proposals(rule), batches)
    if as_json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))
        return
    screen().print(_table(resource, found))


def activate(
    resource: Resource,
    by: By,
) -> None:
    """Record the rules of a resource, as contract and code have them now, as those in force."""
    from expectations.activation import activate as activate_rules

    registry = get_registry()
    changes = activate_rules(registry.get(resource), registry, str(by))
    if changes is None:
        screen().print(f"{resource}: 规则未变 these rules are in force already")
        return
    for what, rules in changes.items():
        screen().print(f"{what}: {', '.join(rules) or '–'}", markup=False)


def _table(resource: str, found: list[Simulated]) -> ScreenTable:
    table = ScreenTable(title=f"{resource}: 规则试运行 simulation", title_justify="left")
    headings = "规则 rule", "版本 version", "行数 rows", "现行 now", "拟议 proposed", "新增 newly", "释放 freed"
    for heading in (*headings, "结论 verdict"):
        table.add_column(heading, overflow="fold")
    for one in found:
        before = "–" if one.failed_before is None else f"{one.failed_before:,}"
        moved = ["–" if n is None else f"{n:,}" for n in (one.newly_failing, one.freed)]
        verdict = " → ".join("阻断 stop" if stops else "放行 go" for stops in (one.stops_before, one.stops_after))
        counts = [f"{one.rows:,}", before, f"{one.failed_after:,}"]
        table.add_row(one.rule_id, str(one.version), *counts, *moved, verdict)
    return table
