"""``python -m jobs link``: train, evaluate and apply linkage models (记录关联命令)."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from jobs.reconcile.linking.model import LinkageModel

app = typer.Typer(
    no_args_is_help=True,
    help="Link records (记录关联): train a model, evaluate it on lists, link what is new to a library.",
)
Library = Annotated[str, typer.Option("--library", "-l", help="Base library, such as population.person.")]
ListFile = Annotated[
    str, typer.Option(metavar="RESOURCE=FILE", help="A list: the contract it follows, and a CSV or tar of CSVs.")
]
Division = Annotated[str, typer.Option(help="Division code that both lists are of, where rows state none.")]
Version = Annotated[int | None, typer.Option(help="Version of the model; default the newest.")]
console = Console(stderr=True, highlight=False)


def features_of(model: LinkageModel, source: str, division: str) -> pa.Table:
    """Return the features of a list given as ``resource=file``."""
    from catalog.model.registry import get_registry
    from jobs.reconcile.linking.features import extract_features
    from jobs.reconcile.linking.records import read_list

    resource, _, file = source.partition("=")
    if not file:
        raise typer.BadParameter("write it as RESOURCE=FILE, for example legal_entity.registry_sichuan=list.csv")
    records = read_list(get_registry().get(resource), model, Path(file), division)
    console.print(f"{resource}: {len(records):,} records of {Path(file).name}")
    return extract_features(model.features, records)


@app.command()
def train(
    library: Library,
    new: ListFile,
    into: ListFile,
    version: Annotated[int, typer.Option(help="Number of the version to make; versions are never written over.")],
    precision: Annotated[float, typer.Option(min=0.5, max=0.99999, help="Share of links that must be right.")] = 0.999,
    division: Division = "",
    note: Annotated[str, typer.Option(help="What the lists are, kept in the model's file.")] = "",
) -> None:
    """Train a model on two lists that share national keys; write catalog/linkage/LIBRARY/VERSION.json.

    Pairs with one key teach how the same thing is written twice, pairs with two keys how different ones look alike.
    """
    from jobs.reconcile.linking.model import declared_model, save_model
    from jobs.reconcile.linking.training import lesson
    from jobs.reconcile.linking.training import train as trained

    declared = declared_model(library)
    learned = lesson(declared, features_of(declared, new, division), features_of(declared, into, division))
    model = trained(
        declared, learned, version, precision, {"lists": note or f"{new.split('=')[0]}, {into.split('=')[0]}"}
    )
    path = save_model(model)
    typer.echo(f"{model.name}: {json.dumps({**model.training, **model.bands.model_dump()}, ensure_ascii=False)}")
    typer.echo(f"written to {path}")


@app.command()
def evaluate(
    library: Library,
    new: ListFile,
    into: ListFile,
    truth: Annotated[
        Path | None, typer.Option(help="CSV with the row numbers of true pairs (new, into); default: by valid key.")
    ] = None,
    hide_keys: Annotated[bool, typer.Option("--hide-keys/--with-keys", help="Link as if nobody had a key.")] = True,
    version: Version = None,
    division: Division = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")] = False,
) -> None:
    """Link one list to another and count against the truth: recall, precision, renamed ones found."""
    from jobs.reconcile.linking.evaluation import evaluate as evaluated
    from jobs.reconcile.linking.model import load_model

    model = load_model(library, version)
    lists = [features_of(model, source, division) for source in (new, into)]
    pairs = None if truth is None else true_pairs(truth, *lists)
    result = evaluated(model, *lists, truth=pairs, hide_keys=hide_keys).as_json()
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    table = Table("measure", "value", title=f"Linking (记录关联评测) {model.name}", title_justify="left")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    Console().print(table)


def true_pairs(path: Path, new: pa.Table, into: pa.Table) -> set[tuple[str, str]]:
    """Return the record ids of the pairs whose row numbers (from 1, without the header) a CSV holds."""
    known = [{record.rpartition(":")[2]: record for record in t["record_id"].to_pylist()} for t in (new, into)]
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[str(int(number) + 1) for number in row[:2]] for row in list(csv.reader(file))[1:]]
    return {(known[0][a], known[1][b]) for a, b in rows if a in known[0] and b in known[1]}


@app.command("run")
def run_linking(library: Library, version: Version = None) -> None:
    """Link what is new in the library's silver inputs; doubtful pairs go to `python -m catalog review`."""
    from collections import Counter

    from jobs.reconcile.linking.stage import link

    found = link(library, version)
    counts = Counter(identity.method for identity in found.identities)
    told = ", ".join(f"{count:,} by {method}" for method, count in sorted(counts.items())) or "nothing new"
    typer.echo(f"{library}: {told}; {len(found.for_review):,} for review, {len(found.joined):,} merged")
