"""Under which rules a batch was judged (规则摘要): one digest of a contract, its elements and its code lists."""

from __future__ import annotations

import hashlib

from catalog.model import codes
from catalog.model.contract import Contract
from catalog.model.registry import Registry


def rule_digest(contract: Contract, registry: Registry) -> str:
    """Return a digest that changes when the contract, an element or a code list that judges its rows changes.

    Rules that are code are not part of it: after such a change a person names the resource to replay.
    """
    digest = hashlib.sha256(registry.sha256(contract.id).encode())
    for name in sorted({found for column in contract.columns if (found := contract.code_list_of(column))}):
        digest.update((codes.CODES / f"{name}.csv").read_bytes())
    return digest.hexdigest()
