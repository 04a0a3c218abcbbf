"""`python -m catalog ledger prove`: hold the tables against each other and the ledger (账实核对)."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from catalog.cli.output import ResourceName, explained, show
from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.proof.difference import Proof
from catalog.proof.library import prove_base, prove_gold
from catalog.proof.silver import prove_silver

SHARE = 20
Share = Annotated[int, typer.Option("--share", min=1, help="Rebuild one record in so many from bronze; 1: all.")]


def prove(resource: ResourceName = None, share: Share = SHARE) -> None:
    """Prove that nothing was lost: every row in one state, records rebuilt from bronze, keys from silver to gold.

    Ends with 1 when anything differs or nothing could be compared.
    """
    progress = Console(stderr=True, highlight=False)
    registry = get_registry()
    chosen = [registry.get(resource)] if resource else registry.all()
    proofs: list[Proof] = []
    with explained():
        for contract in chosen:
            progress.print(f"comparing {contract.id} …")
            if contract.government.source is not None:
                with session_scope() as session:
                    proof = prove_silver(session, contract, share)
            elif contract.government.reconcile is not None:
                proof = prove_base(contract, registry)
            else:
                proof = prove_gold(contract, registry)
            proofs += [proof] if proof is not None else []
    rows = [
        {
            "resource": p.resource,
            "compared": ", ".join(f"{n:,} {state}" for state, n in sorted(p.compared.items())),
            "differences": sum(p.found.values()),
        }
        for p in proofs
    ]
    show("Proof of the ledger (账实核对)", ["resource", "compared", "differences"], rows, as_json=False)
    told = [vars(difference) for proof in proofs for difference in proof.differences]
    if told:
        show("Differences (不一致)", ["resource", "code", "where", "detail"], told, as_json=False)
    if told or not any(proof.compared for proof in proofs):
        raise typer.Exit(1)
