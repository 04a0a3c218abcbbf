"""Sources without the national key of a base library (无主键来源): linking gives their records the key.

Invariant: what such a source says enters its library through one table, made by linking with the library's key and one
row an entity; whatever reads inputs reads that table in place of the source's own.
"""

from __future__ import annotations

from catalog.model.contract import Contract
from catalog.model.layers import Table, keyed_of, table_of


def is_keyless(library: Contract, source: Contract) -> bool:
    """Tell whether ``source`` is an input of ``library`` whose rows are not one an entity, known by its key."""
    spec = library.government.reconcile
    if spec is None or not spec.linked or spec.keyed_by != "column":
        return False
    return source.id in spec.inputs and source.key != [spec.key]


def input_of(library: Contract, source: Contract) -> Table:
    """Return the table from which ``library`` takes what ``source`` says."""
    return keyed_of(library, source) if is_keyless(library, source) else table_of(source)
