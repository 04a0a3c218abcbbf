"""`python -m catalog erase`: where a person's data lies (个人信息查找)."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from catalog.cli.acting import require_purpose
from catalog.cli.output import AsJson, explained, show
from catalog.control.audit import record
from catalog.control.session import session_scope
from catalog.erasure.marks import marks_of
from catalog.erasure.search import search
from catalog.model.caller import command_line

app = typer.Typer(no_args_is_help=True, help="A person's data (个人信息): where it lies, on every layer.")


@app.command("search")
def search_person(
    number: Annotated[str, typer.Argument(help="Citizen number (公民身份号码); - reads it from standard input.")],
    purpose: Annotated[str, typer.Option(help="Why you ask; it is recorded.")] = "",
    name: Annotated[list[str] | None, typer.Option(help="A name that no base library knows; may be repeated.")] = None,
    prove: Annotated[bool, typer.Option("--prove", help="End with 1 when anything of the person is found.")] = False,
    as_json: AsJson = False,
) -> None:
    r"""Search every file of lake, landing and home and every table of the control plane for one person.

    Looked for are the number in every spelling, with its 15 digits too, the ids of the person's entities, and every
    name that a source gave, where the birth date is in the same row. Files that no table names any more, packed files
    and the logs of tables are opened as well. No value is printed, only places and counts. Airflow's own database is
    not searched: no value of a person goes there.

    \b
    python -m catalog erase search - --purpose "request of the person" < number.txt
    python -m catalog erase search - --purpose "proof of erasure" --prove < number.txt
    """
    progress = Console(stderr=True, highlight=False)
    with explained():
        require_purpose(purpose)
        asked = sys.stdin.readline().strip() if number == "-" else number.strip()
        marks = marks_of(asked, name or ())
        with session_scope() as session:
            record(session, command_line(), "erasure.search", "lake", purpose=purpose.strip(), persons=[marks.number])
        found = search(marks, progress.print)
    rows = [vars(trace) for trace in found.traces]
    show(f"{len(rows):,} place(s) (查到位置)", ["where", "place", "told_by", "rows"], rows, as_json)
    progress.print(f"{found.files:,} files and {found.tables:,} tables searched")
    if prove and rows:
        raise typer.Exit(1)
