"""Under which rules a batch was judged (规则摘要): one digest of a contract, its elements and its code lists."""

from __future__ import annotations

import hashlib

from catalog.model.codes import load_code_list
from catalog.model.contract import Contract
from catalog.model.registry import Registry

DIVISIONS = ("division", "citizen_id")
"""Standards whose judgement reads the list of divisions."""


def code_lists_of(contract: Contract) -> list[str]:
    """Return the names of the code lists that judge the contract's columns."""
    items = [contract.item(column) for column in contract.columns]
    named = {item.code_list for item in items if item.code_list}
    return sorted(named | {"division" for item in items if item.standard in DIVISIONS})


def rule_digest(contract: Contract, registry: Registry) -> str:
    """Return a digest that changes when the contract, an element or a code list that judges its rows changes.

    Rules that are code are not part of it: after such a change a person names the resource to replay.
    """
    digest = hashlib.sha256(registry.sha256(contract.id).encode())
    for name in code_lists_of(contract):
        digest.update(load_code_list(name).digest.encode())
    return digest.hexdigest()
