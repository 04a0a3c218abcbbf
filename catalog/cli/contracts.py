"""`python -m catalog contract`: what is wrong with contracts, before they run (契约检查)."""

from pathlib import Path
from typing import Annotated

import typer

from catalog.cli.output import AsJson, explained, show
from catalog.model.contract_check import Judged, check_files, contract_paths
from catalog.model.registry import get_registry

app = typer.Typer(no_args_is_help=True, help="Contracts (数据契约): what is wrong with them, before they run.")
EXAMPLES = """Without FILE, all contracts are checked: the catalogue's and those of the site's folders (RESOURCE_PATH).

    python -m catalog contract check

    python -m catalog contract check /data/resources/licence/water_abstraction.yml

Each problem is told with file and line, the key, what may stand there, and what to do; all of a file at once. The id of
a contract is its path: licence/water_abstraction.yml is licence.water_abstraction. A contract that cannot be used stops
its own resource and what is built from it; all others run on. Exit code 0: all are good. 1: some are not.
"""


@app.command("check", epilog=EXAMPLES)
def check(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Contracts; default all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with contracts: file, line, key, allowed values and remedy (检查契约)."""
    with explained():
        registry = get_registry()
        paths = [path.resolve() for path in files or []] or contract_paths(registry.folders)
        judged = check_files(registry, paths)
    if as_json:
        show("", [], [problem.as_json(each.path) for each in judged for problem in each.problems], as_json)
    else:
        _tell(judged)
    if any(each.problems for each in judged):
        raise typer.Exit(1)


def _tell(judged: list[Judged]) -> None:
    for each in judged:
        for problem in each.problems:
            typer.echo(f"{each.path}:{problem.line}: {problem.sentences()}")
    bad = sum(1 for each in judged if each.problems)
    typer.echo(f"{len(judged)} contracts checked; {f'{bad} cannot' if bad else 'all can'} be used.")
