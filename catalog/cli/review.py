"""`python -m catalog review`: pairs of records that wait for a person (人工判定)."""

from typing import Annotated, Any

import typer

from catalog.cli.acting import acting
from catalog.cli.output import AsJson, explained, fields, show
from catalog.cli.signing import By
from catalog.control.linkage_tables import ReviewPair
from catalog.control.masking import mask_personal
from catalog.control.reviews import decide_pair, decisions_of, list_pairs, pair_of, undo_decision
from catalog.control.session import session_scope
from catalog.library.waiting import waiting_records
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Pairs of records that may be the same, for persons to decide (人工判定).")

PairId = Annotated[int, typer.Argument(metavar="PAIR", help="Number of the pair, as `list` shows it.")]
Library = Annotated[str | None, typer.Option("--library", "-l", help="Only this library, such as population.person.")]
_SUMMARY = ("id", "library", "left_record", "right_record", "weight", "why", "state", "last_seen")


@app.command("list")
def list_all(
    library: Library = None,
    state: Annotated[str, typer.Option(help="open, link, no_link, or all.")] = "open",
    limit: Annotated[int, typer.Option(help="At most so many, the likeliest first.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the queue, the likeliest pairs first."""
    with explained():
        with session_scope() as session:
            pairs = list_pairs(session, library, None if state == "all" else state, limit)
        rows = [fields(pair, *_SUMMARY) for pair in pairs]
    show("Review queue (待人工判定)", _SUMMARY, rows, as_json)


@app.command("waiting")
def list_waiting(
    library: Annotated[str, typer.Argument(metavar="LIBRARY", help="Base library, such as population.person.")],
    limit: Annotated[int, typer.Option(help="At most so many of each source, the newest first.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List records of sources without the national key that say nothing in the library yet, and why (待归属记录)."""
    with explained():
        found = waiting_records(get_registry().get(library), limit)
    rows = [
        {
            **fields(record, "source", "entity_id", "batch_id", "row_number"),
            "record_key": mask_personal(record.record_key),
            "file": mask_personal(record.source_file) if record.source_file else None,
            "reason": record.reason.code,
            "why": record.reason.zh,
            "remedy": record.reason.remedy_zh,
        }
        for record in found
    ]
    show(
        "Waiting records (待归属记录)",
        ["source", "record_key", "entity_id", "why", "file", "row_number"],
        rows,
        as_json,
    )


@app.command("show")
def show_one(pair_id: PairId, as_json: AsJson = False) -> None:
    """Show both records side by side, what speaks for and against, and what persons have said."""
    with explained(), session_scope() as session:
        pair = pair_of(session, pair_id)
        decisions = [
            fields(d, "verdict", "decided_by", "note", "decided_at", "undone_by", "undone_at")
            for d in decisions_of(session, pair_id)
        ]
    if as_json:
        whole = {**fields(pair, *_SUMMARY, "model", "reasons", "left_masked", "right_masked"), "decisions": decisions}
        show("", [], [whole], as_json)
        return
    show(f"Pair {pair_id} ({pair.state})", ["field", "left", "right"], _side_by_side(pair), as_json)
    show(f"Evidence (判定依据), {pair.weight:+.1f} bits in all", ["comparison", "level", "bits"], pair.reasons, as_json)
    if decisions:
        show("Decisions (判定)", list(decisions[0]), decisions, as_json)


@app.command("decide")
def decide(
    pair_id: PairId,
    verdict: Annotated[str, typer.Argument(metavar="link|no_link", help="The same, or not.")],
    by: By,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say whether a pair is the same; it wins over keys and model from the next run on.

    With REVIEW_PERSONS=2 a second person must say the same, from an account of their own.
    """
    detail = {"verdict": verdict, "by": str(by), "note": note}
    with explained(), acting("pair.decide", f"pair:{pair_id}", detail=detail) as session:
        state = decide_pair(session, pair_id, verdict, by=by, persons=get_settings().review_persons, note=note)
    _tell(pair_id, state, as_json)


@app.command("undo")
def undo(pair_id: PairId, by: By, as_json: AsJson = False) -> None:
    """Take back what was decided about a pair; it waits again, and the record of it stays."""
    with explained(), acting("pair.undo", f"pair:{pair_id}", detail={"by": str(by)}) as session:
        state = undo_decision(session, pair_id, by=str(by))
    _tell(pair_id, state, as_json)


def _side_by_side(pair: ReviewPair) -> list[dict[str, Any]]:
    names = dict.fromkeys((*pair.left_masked, *pair.right_masked))
    return [{"field": n, "left": pair.left_masked.get(n), "right": pair.right_masked.get(n)} for n in names]


def _tell(pair_id: int, state: str, as_json: bool) -> None:
    if as_json:
        show("", [], [{"id": pair_id, "state": state}], as_json)
        return
    waiting = "; another person must say the same" if state == "open" else ""
    typer.echo(f"Pair {pair_id} is now {state}{waiting}.")
