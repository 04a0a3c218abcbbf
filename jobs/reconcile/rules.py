"""By which rules a library is decided (校核规则摘要): when any of them moves, every entity is decided anew."""

from __future__ import annotations

import hashlib
import json
from datetime import date

from catalog.model.authority import LibraryAuthority, reconcile_of
from catalog.model.contract import Contract, Reconcile
from catalog.model.registry import Registry
from jobs.reconcile import own_logic
from jobs.reconcile.statements import carried
from jobs.runtime.row_hash import HASH_VERSION


def rules_digest(contract: Contract, registry: Registry, authority: LibraryAuthority, day: date) -> str:
    """Return a hash of all that decides a library's rows on ``day`` besides the rows of its inputs.

    Authority, the contract's own block and columns, what its inputs carry and who provides it, the keys of what links
    meet, the library's own module, and how rows are hashed. Code lists are not among them: conform applies those.
    """
    spec = reconcile_of(contract)
    inputs = [registry.get(resource) for resource in spec.inputs]
    targets = [registry.get(target) for link in spec.links for target in link.targets]
    decides = [
        HASH_VERSION,
        authority.digest(day),
        spec.model_dump(mode="json"),
        _typed(contract, contract.columns),
        [[i.id, i.key, i.government.department, _typed(i, carried(contract, i))] for i in inputs],
        [[t.id, t.key, _entity_id(t.government.reconcile)] for t in targets],
        own_logic.digest(contract),
    ]
    return hashlib.sha256(json.dumps(decides, ensure_ascii=False).encode()).hexdigest()


def _typed(contract: Contract, columns: list[str]) -> list[list[str]]:
    types = {p.name: p.spark_type for p in contract.properties}
    return [[column, types[column]] for column in columns]


def _entity_id(spec: Reconcile | None) -> str | None:
    return spec.entity_id if spec else None
