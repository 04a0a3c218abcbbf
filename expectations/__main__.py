"""``python -m expectations``: the rules of a resource, a check by hand, its last result, its failing rows."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as ScreenTable

from catalog.cli.output import screen
from catalog.control.audit import Detail
from catalog.model.errors import GateStoppedError, GuantongError
from catalog.model.masked_output import secrets_hidden
from expectations import rule_commands
from expectations.notices.command import notices
from expectations.profile.command import profile
from expectations.scores.command import scores

app = typer.Typer(
    help="Quality rules and the gate (质量规则与关口): see the plan, check a table, read the result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(scores)
app.command()(notices)
app.command()(profile)
app.command()(rule_commands.simulate)
app.command()(rule_commands.activate)

Resource = Annotated[str, typer.Argument(help="Resource id, such as population.resident.")]
Version = Annotated[int | None, typer.Option("--version", "-v", help="Delta version; default the newest.")]


@app.command()
def suite(
    resource: Resource,
    bronze: Annotated[bool, typer.Option("--bronze", help="The rules on the rows as received.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The Great Expectations suite itself.")] = False,
) -> None:
    """Print the rules that a resource's table must satisfy."""
    from catalog.model.registry import get_registry
    from expectations.suite import build_plan

    plan = build_plan(get_registry().get(resource), layer="bronze" if bronze else None)
    if as_json:
        print(json.dumps(plan.suite.to_json_dict(), ensure_ascii=False, indent=1))
        return
    table = ScreenTable(title=f"{resource}: {len(plan.rules)} 条规则 rules", title_justify="left")
    for heading in ("规则 rule", "要求 requirement", "指标 indicator", "级别 severity"):
        table.add_column(heading, overflow="fold")
    for rule in plan.rules:
        meta = rule.meta
        words = f"{meta['zh']}\n{meta['en']}".replace("[", r"\[")
        table.add_row(meta["rule_id"], words, f"{meta['dimension']} {meta['indicator']}", meta["severity"])
    screen().print(table)


@app.command()
def check(resource: Resource, version: Version = None) -> None:
    """Check a table at the gate, as the pipeline does, and keep the result."""
    from expectations.gate import check as check_at_gate

    check_at_gate(resource, version=version)


@app.command()
def report(
    resource: Annotated[str | None, typer.Argument(help="Print the last check of this resource.")] = None,
    version: Version = None,
    of_resource: Annotated[str | None, typer.Option("--resource", help="Write the pages of this resource.")] = None,
    department: Annotated[str | None, typer.Option("--department", help="Write the pages of this department.")] = None,
    month: Annotated[str | None, typer.Option("--month", help="Write the monthly workbooks of YYYY-MM.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder; default reports/quality in the home.")] = None,
    english: Annotated[bool, typer.Option("--english", help="Show English first.")] = False,
) -> None:
    """Write the quality reports that people read; with RESOURCE alone, print its last check on the screen."""
    if resource is not None:
        _print_check(resource, version)
        return
    from catalog.quality_reports import reports_folder
    from expectations.reports.write import write_monthly, write_reports

    if month is not None:
        for path in write_monthly(month, out or reports_folder() / "months", department):
            screen().print(str(path), markup=False, soft_wrap=True)
        return
    language = "en" if english else "zh"
    index = write_reports(out, resource=of_resource, department=department, language=language)
    screen().print(f"质量报告 Quality reports: {index}", markup=False, soft_wrap=True)


def _print_check(resource: str, version: int | None) -> None:
    from expectations.report import render, report_path

    folder = report_path(resource, 0).parent
    known = sorted((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), reverse=True)
    if not known or (version is not None and version not in known):
        raise GuantongError(
            f"no result of {resource}" + ("" if version is None else f" version {version}"),
            place=str(folder),
            remedy=f"python -m expectations check {resource}",
        )
    chosen = known[0] if version is None else version
    gate = json.loads(report_path(resource, chosen).read_text(encoding="utf-8"))["meta"]["gate"]
    screen().print(
        render(gate["rules"], f"{gate['table']} 版本 version {chosen}: {gate['outcome']}, {gate['rows']:,} rows")
    )
    for refusal in gate["refusals"]:
        screen().print(refusal, markup=False)


@app.command()
def docs() -> None:
    """Build Great Expectations' Data Docs from the kept results; they load nothing from outside."""
    from expectations.data_docs import build_data_docs

    screen().print(f"检查文档 Data Docs: {build_data_docs()}", markup=False)


@app.command()
def rows(
    resource: Resource,
    rule: Annotated[str, typer.Argument(help="Rule id, as the report prints it.")],
    version: Version = None,
    limit: Annotated[int, typer.Option(help="Rows at most.")] = 1000,
    purpose: Annotated[str, typer.Option("--purpose", help="What the keys are needed for; kept in the audit.")] = "",
) -> None:
    """Write the keys of the rows that break a rule to a file that only you can read; nothing is shown on the screen."""
    from catalog.cli.acting import record_reading, require_purpose
    from expectations.failing_rows import failing_rows
    from expectations.report import report_path, write_private

    require_purpose(purpose)
    chosen, found = failing_rows(resource, rule, version, limit)
    detail: Detail = {"rule": rule, "version": chosen, "rows": len(found)}
    record_reading("rule.rows", f"resource:{resource}", found, purpose=purpose, detail=detail)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(found[0]) if found else ["none"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in row.items()} for row in found)
    path = report_path(resource, chosen).with_name(f"{chosen}.{rule}.csv")
    write_private(path, text.getvalue())
    screen().print(f"{len(found)} rows break {rule} in version {chosen}: {path}", markup=False)


def _inert(value: str | None) -> str | None:
    """Return a value that a spreadsheet does not run as a formula."""
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value


def main() -> None:
    """Run the command line; errors meant for people come without a traceback."""
    with secrets_hidden():
        try:
            app()
        except GateStoppedError as error:
            print(error, file=sys.stderr)
            sys.exit(2)
        except GuantongError as error:
            print(error, file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
