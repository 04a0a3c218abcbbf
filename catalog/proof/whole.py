"""The whole proof (全量核对): one resource after the other, each while no stage works on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from catalog.control.resource_lock import undisturbed
from catalog.control.session import session_scope
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.registry import Registry
from catalog.proof.difference import Difference, Proof
from catalog.proof.library import prove_base, prove_gold
from catalog.proof.silver import prove_silver

SHARE = 20
"""One record in so many is rebuilt from bronze where nothing else is said."""
PATIENCE_SECONDS = 120.0
"""How long a stage that is at work on a resource is waited for."""


@dataclass
class Outcome:
    """What came of the proof of several resources."""

    proofs: list[Proof] = field(default_factory=list)
    at_work: list[str] = field(default_factory=list)
    """Resources that a stage was working on all the while; they were not compared."""

    @property
    def differences(self) -> list[Difference]:
        """All differences that are named."""
        return [difference for proof in self.proofs for difference in proof.differences]

    @property
    def compared(self) -> Counter[str]:
        """State → rows or keys, of all resources together."""
        return sum((proof.compared for proof in self.proofs), Counter())

    @property
    def holds(self) -> bool:
        """Whether something was compared, nothing left out, and all of it agrees."""
        return bool(self.compared) and not self.at_work and not any(proof.found for proof in self.proofs)


def prove(contracts: Iterable[Contract], registry: Registry, share: int, say: Callable[[str], None]) -> Outcome:
    """Hold tables against each other and the ledger, resource by resource.

    Args:
        contracts: the resources; those that were never built are passed over.
        registry: all contracts.
        share: one record in so many is rebuilt from bronze; 1: all.
        say: is told of each resource as its turn comes.
    """
    outcome = Outcome()
    for contract in contracts:
        say(f"comparing {contract.id} …")
        with undisturbed(contract.id, PATIENCE_SECONDS) as is_alone:
            if not is_alone:
                outcome.at_work.append(contract.id)
                say(f"{contract.id} is being worked on and was not compared")
                continue
            proof = _prove_one(contract, registry, share)
        outcome.proofs += [proof] if proof is not None else []
    return outcome


def _prove_one(contract: Contract, registry: Registry, share: int) -> Proof | None:
    try:
        registry.inputs_of(contract)
    except InvalidContractError as error:
        proof = Proof(contract.id)
        proof.differ("CONTRACT_INVALID", error.resource, "its contract cannot be used, so nothing was compared")
        return proof
    with session_scope() as session:
        if contract.government.source is not None:
            return prove_silver(session, contract, share)
        if contract.government.reconcile is not None:
            return prove_base(session, contract, registry)
        return prove_gold(session, contract, registry)
