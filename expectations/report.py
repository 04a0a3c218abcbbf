"""What people read of a check (检查报告): a table of two languages on the screen, a JSON file per checked version."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rich.table import Table as ScreenTable

from catalog.model.settings import get_settings
from expectations.result import CheckOutcome, RuleResult

WORDS = {"pass": "[green]通过 pass[/]", "warn": "[yellow]提示 warn[/]", "stop": "[red]阻断 stop[/]"}


def report_path(resource: str, version: int) -> Path:
    """Return where the result of a checked version lies: ``<home>/reports/checks/<resource>/<version>.json``."""
    return get_settings().home / "reports" / "checks" / resource / f"{version}.json"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def write_report(outcome: CheckOutcome, document: dict[str, Any]) -> Path:
    """Write the validation result, with the gate's own verdict in its ``meta``, and return its path."""
    gate = {
        "outcome": outcome.outcome,
        "table": outcome.table,
        "version": outcome.version,
        "rows": outcome.rows,
        "planned": outcome.planned,
        "evaluated": outcome.evaluated,
        "failed": outcome.failed,
        "refusals": outcome.refusals,
        "rules": [describe(rule) for rule in outcome.rules],
    }
    document = {**document, "meta": {**document.get("meta", {}), "gate": gate}}
    path = report_path(outcome.resource, outcome.version)
    write_private(path, json.dumps(document, ensure_ascii=False, indent=1, default=str))
    return path


def describe(rule: RuleResult) -> dict[str, Any]:
    """Return a rule's verdict as a small document."""
    return {
        "rule_id": rule.rule_id,
        "outcome": rule.outcome,
        "failed": rule.failed,
        "evaluable": rule.evaluable,
        "zh": rule.zh,
        "en": rule.en,
        "department": rule.department,
        "observed": rule.observed,
    }


def render(rules: list[dict[str, Any]], title: str) -> ScreenTable:
    """Return the rules as a table for the screen."""
    table = ScreenTable(title=title, title_justify="left", show_lines=False)
    for heading in ("规则 rule", "要求 requirement", "不合格 failed", "结论 outcome"):
        table.add_column(heading, justify="right" if "failed" in heading else "left", overflow="fold")
    for rule in rules:
        note = "" if rule["evaluable"] else "（全空，无法评价 all null）"
        seen = f" [{rule['observed']}]" if rule["observed"] and rule["outcome"] != "pass" else ""
        words = f"{rule['zh']}{note}\n{rule['en']}{seen}".replace("[", r"\[")
        table.add_row(rule["rule_id"], words, f"{rule['failed']:,}", WORDS[rule["outcome"]])
    return table
