"""`python -m catalog ledger prove`: hold the tables against each other and the ledger (账实核对)."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from catalog.cli.output import ResourceName, explained, show, tell_invalid
from catalog.model.registry import get_registry
from catalog.proof.whole import SHARE
from catalog.proof.whole import prove as prove_resources

Share = Annotated[int, typer.Option("--share", min=1, help="Rebuild one record in so many from bronze; 1: all.")]


def prove(resource: ResourceName = None, share: Share = SHARE) -> None:
    """Prove that nothing was lost: every row in one state, records rebuilt from bronze, keys from silver to gold.

    No stage works on a resource while it is compared. Ends with 1 when anything differs, when a resource was being
    worked on all the while, or when nothing could be compared.
    """
    progress = Console(stderr=True, highlight=False)
    registry = get_registry()
    with explained():
        chosen = [registry.get(resource)] if resource else registry.all()
        outcome = prove_resources(chosen, registry, share, progress.print)
    rows = [
        {
            "resource": p.resource,
            "compared": ", ".join(f"{n:,} {state}" for state, n in sorted(p.compared.items())),
            "differences": sum(p.found.values()),
        }
        for p in outcome.proofs
    ]
    show("Proof of the ledger (账实核对)", ["resource", "compared", "differences"], rows, as_json=False)
    told = [vars(difference) for difference in outcome.differences]
    if told:
        show("Differences (不一致)", ["resource", "code", "where", "detail"], told, as_json=False)
    if resource is None:
        tell_invalid(registry)
    if not outcome.holds:
        raise typer.Exit(1)
