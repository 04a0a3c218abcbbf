"""Silver against base, base against gold (基础库与共享表核对): by key, not only by count.

Each table is held against the versions that it was built from: what came since then is news, not a difference.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from catalog import lake
from catalog.control.positions import get_table_position
from catalog.library.masked import masked
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.keyless import input_of
from catalog.model.layers import Table, table_of
from catalog.model.registry import Registry
from catalog.proof.difference import Proof

IN_BOTH = "keys in both"


def prove_base(session: Session, contract: Contract, registry: Registry) -> Proof | None:
    """Compare the keys of a base library with those that its sources stated; nothing where it was never built."""
    spec = reconcile_of(contract)
    sources = [registry.get(resource) for resource in spec.members or spec.inputs]
    tables = [consumed(session, contract, input_of(contract, source)) for source in sources]
    if spec.keyed_by != "column" or not lake.exists(table_of(contract)):
        return None
    stated: set[str] = set()
    for table in tables:
        if table is not None:
            stated |= _keys(table, spec.key, "NOT _is_deleted")
    living = _keys(table_of(contract), contract.key[0], "NOT _is_deleted")
    return _compare(contract, stated, living, "LOST_FROM_LIBRARY", "LIVES_WITHOUT_A_SOURCE")


def prove_gold(session: Session, contract: Contract, registry: Registry) -> Proof | None:
    """Compare the keys of a shared table with those of its library; what its condition leaves out may lack."""
    cut = contract.government.curate
    if cut is None or not lake.exists(table_of(contract)):
        return None
    library = registry.get(cut.input)
    source = consumed(session, contract, table_of(library))
    key = contract.key[0]
    taken = {p.name: p.transform_logic or p.name for p in contract.properties}[key]
    if source is None or taken not in library.columns:
        return None
    living = _keys(source, taken, "NOT _is_deleted")
    shared = _keys(table_of(contract), key, "true")
    proof = _compare(contract, living & shared, shared, "LOST", "SHARED_WITHOUT_ENTITY")
    rows = lake.query("SELECT count(*) AS n FROM t", t=table_of(contract)) or []
    if len(contract.key) == 1 and rows and rows[0]["n"] != len(shared):
        proof.differ("SHARED_KEY_TWICE", contract.id, f"{rows[0]['n']} rows, {len(shared)} keys")
    proof.compared["not admitted"] = len(living - shared)
    return proof


def consumed(session: Session, contract: Contract, table: Table) -> lake.TableAt | None:
    """Return ``table`` at the version that ``contract`` was built from last; None where it never was."""
    position = get_table_position(session, contract.id, table.name)
    return lake.TableAt(table, position.version) if position and lake.exists(table) else None


def _keys(table: Table | lake.TableAt, column: str, condition: str) -> set[str]:
    """Return the distinct values of a key column."""
    text = f'SELECT DISTINCT CAST("{column}" AS varchar) AS k FROM t WHERE {condition}'  # noqa: S608 - contract names
    return {row["k"] for row in lake.query(text, t=table) or [] if row["k"] is not None}


def _compare(contract: Contract, expected: set[str], found: set[str], lacking: str, surplus: str) -> Proof:
    proof = Proof(contract.id)
    proof.compared[IN_BOTH] = len(expected & found)
    for code, keys in ((lacking, expected - found), (surplus, found - expected)):
        for key in sorted(keys):
            proof.differ(code, f"key {masked(contract, contract.key[0], key)}")
    return proof
