"""One hash over everything a verdict depends on besides the table (规则指纹), found without importing GX or Spark.

Who gives a verdict and who relies on it ask here, so that both mean the same set of rules.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from catalog.model.codes import CODES, load_code_list
from catalog.model.contract import Contract
from catalog.model.registry import Registry
from catalog.model.rule_digest import code_lists_of
from catalog.model.settings import CHECKOUT

RULES = CHECKOUT / "expectations"
STANDARDS = CHECKOUT / "jobs" / "runtime" / "standards"
JUDGEMENT = CHECKOUT / "catalog" / "control" / "passing_check.py"


def fingerprint(contract: Contract, registry: Registry) -> str:
    """Return the hash of contract, those it inherits from, code lists, rules, predicates, this code and GX's version.

    A version that passed under the same hash need not be scanned again.

    Raises:
        ContractError: when a code list that a contract names is missing or contradicts itself.
    """
    digest = hashlib.sha256(version("great-expectations").encode())
    for source in _lineage(contract, registry):
        digest.update(registry.sha256(source.id).encode())
        for code_list in code_lists_of(source):
            load_code_list(code_list)
            digest.update((CODES / f"{code_list}.csv").read_bytes())
    rules = RULES / "rules" / contract.domain / f"{contract.name}.py"
    for path in [
        Path(__file__),
        JUDGEMENT,
        *sorted(RULES.glob("*.py")),
        *sorted(STANDARDS.rglob("*.py")),
        RULES / "indicators.csv",
        RULES / "rules" / "__init__.py",
        rules,
    ]:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _lineage(contract: Contract, registry: Registry) -> list[Contract]:
    found: dict[str, Contract] = {}
    waiting = [contract]
    while waiting:
        each = waiting.pop()
        if each.id not in found:
            found[each.id] = each
            waiting += registry.inputs_of(each)
    return [found[resource] for resource in sorted(found)]
