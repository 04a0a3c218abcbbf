"""`python -m catalog ids`: what a number is, why it is none, and what to do about it (标识解释)."""

import re
from typing import Annotated, Any

import typer

from catalog.cli.output import AsJson, explained, show
from catalog.model.ids.citizen_id import mask_citizen_id
from catalog.model.ids.registry import IDENTIFIERS, Reading, identify
from catalog.model.reasons import load_reasons, reason_of

PERSONAL = "citizen_id"
_HIDDEN = ("number", "birth_date")
"""Parts of a citizen number that a masked answer leaves out."""
_FEW = 3
"""Answers about one number that are told whole."""

app = typer.Typer(no_args_is_help=True, help="National identifiers (标识): what a number is, and why it is none.")


@app.command("explain")
def explain(
    values: Annotated[list[str], typer.Argument(help="Numbers as a department wrote them; quote one that has blanks.")],
    unmasked: Annotated[
        bool, typer.Option(help="Show personal numbers whole; the terminal keeps what it shows.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    r"""Say which identifiers a number could be, its parts, why it fails, and what to do.

    Each number is cleaned as conform does it (full width, blanks, case, marks before and after it), then compared with
    every identifier. The exit code is 1 when any of them is no identifier at all.

    \b
    python -m catalog ids explain 91350100M000100Y43            a unified social credit code and its parts
    python -m catalog ids explain 915101070549352000            ruined by a spreadsheet
    python -m catalog ids explain 73513098—1 510104123456786    an organisation code, a registration number
    python -m catalog ids explain 110103201501010014            masked; --unmasked shows it whole
    """
    with explained():
        found = [(raw, identify(raw)) for raw in values]
        answers = [[_answer(raw, reading, readings, unmasked) for reading in readings] for raw, readings in found]
    if as_json:
        show("", [], [answer for one in answers for answer in one], as_json)
    else:
        for one in answers:
            _tell_all(one)
    if any(all(reading.reason for reading in readings) for _, readings in found):
        raise typer.Exit(1)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the identifiers with the standard that defines them and the reason codes of each."""
    with explained():
        codes = sorted(load_reasons())
    rows = [
        {
            "standard": identifier.name,
            "name": identifier.business_name,
            "source": identifier.source,
            "reason_codes": ", ".join(c for c in codes if c.startswith(f"{identifier.name.upper()}_")),
        }
        for identifier in IDENTIFIERS
    ]
    show("Identifiers (标识)", ["standard", "name", "source", "reason_codes"], rows, as_json)


def _answer(raw: str, reading: Reading, readings: list[Reading], unmasked: bool) -> dict[str, Any]:
    identifier, is_hidden = reading.identifier, not unmasked and _is_personal(readings)
    answer: dict[str, Any] = {
        "value": mask_citizen_id(reading.value) if is_hidden else raw,
        "identifier": identifier.name,
        "name": identifier.business_name,
        "source": identifier.source,
        "valid": reading.reason is None,
        "parts": {name: part for name, part in reading.parts.items() if not (is_hidden and name in _HIDDEN)},
        "reason": reason_of(reading.reason).model_dump() if reading.reason else None,
    }
    return answer


def _is_personal(readings: list[Reading]) -> bool:
    """Return whether the value is, or was perhaps meant to be, a person's number: then no line may show it."""
    has_digits = re.search(r"[0-9]{12}", readings[0].value) is not None
    return has_digits and any(reading.identifier.name == PERSONAL for reading in readings)


def _tell_all(answers: list[dict[str, Any]]) -> None:
    """Print the answers to one number: whole where there are few, a line each where it resembles nothing."""
    if len(answers) <= _FEW:
        for answer in answers:
            _tell(answer)
        return
    typer.echo(f"{answers[0]['value']}: resembles no identifier (不像任何一种标识)")
    for answer in answers:
        typer.echo(f"  {answer['name']} {answer['identifier']}: {answer['reason']['code']}  {answer['reason']['zh']}")
    if len({answer["reason"]["remedy_en"] for answer in answers}) == 1:
        _tell_remedy(answers[0]["reason"])


def _tell(answer: dict[str, Any]) -> None:
    verdict = "yes (是)" if answer["valid"] else "no (否)"
    typer.echo(f"{answer['value']}: {answer['name']} {answer['identifier']} ({answer['source']})? {verdict}")
    for name, part in answer["parts"].items():
        if part:
            typer.echo(f"  {name.replace('_', ' ')}: {part}")
    if answer["reason"]:
        reason = answer["reason"]
        typer.echo(f"  reason: {reason['code']}\n    {reason['zh']}\n    {reason['en']}")
        _tell_remedy(reason)


def _tell_remedy(reason: dict[str, str]) -> None:
    typer.echo(f"  remedy:\n    {reason['remedy_zh']}\n    {reason['remedy_en']}")
