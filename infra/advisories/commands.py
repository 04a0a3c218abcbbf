"""The command ``audit``: whether the versions that we pin are known to be vulnerable (依赖核对)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog.model.errors import GuantongError
from catalog.model.settings import BEIJING
from infra.advisories.audit import LIST, STALE_DAYS, AdvisoryList, Hit, age_of, find_hits, mended_in, read_list
from infra.advisories.pins import pinned_files, read_pins


def audit_command(
    files: Annotated[list[Path] | None, typer.Argument(help="Files with pins; default: all of the checkout.")] = None,
    advisories: Annotated[Path, typer.Option("--advisories", help="Another list of advisories.")] = LIST,
) -> None:
    """Hold every pinned version against the advisories of the repository; ends with 1 when one has a hole."""
    day = datetime.now(BEIJING).date()
    try:
        known = read_list(advisories)
        days = age_of(known, day)
        pins = [pin for path in files or pinned_files() for pin in read_pins(path.resolve())]
    except (GuantongError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    hits = find_hits(pins, known, day)
    if days > STALE_DAYS:
        typer.echo(
            f"warning: the advisories were looked through {days} days ago; go through the sources of {advisories.name}"
            " again and set checked_on",
            err=True,
        )
    _tell(hits, known, len(pins))
    if any(not hit.is_accepted for hit in hits):
        raise typer.Exit(1)


def _tell(hits: list[Hit], known: AdvisoryList, count: int) -> None:
    for hit in hits:
        pin, advisory = hit.pin, hit.advisory
        mark = "accepted " if hit.is_accepted else ""
        typer.echo(
            f"{mark}{pin.package} {pin.version} ({pin.file}): {advisory.id} {advisory.severity}, {advisory.what}"
        )
    for package, version in mended_in(hit for hit in hits if not hit.is_accepted).items():
        typer.echo(f"raise {package} to {version} or later")
    entries = sum(map(len, (*known.python.values(), *known.maven.values())))
    typer.echo(f"{count} pins, {entries} advisories of {known.checked_on}: {len(hits)} found.")


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("audit")(audit_command)
