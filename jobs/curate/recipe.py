"""By what a shared table is cut from its library (加工口径): contract, elements and code, as one digest.

Rows that do not change in the library must be cut again when any of it changes: a mask, a condition, a type.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from catalog.model import record_flag
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.registry import get_registry

_CODE = [*sorted(Path(__file__).parent.glob("*.py")), Path(record_flag.__file__)]
_READ = b"".join(path.read_bytes() for path in _CODE)
"""As it was when this process read it, so that a process that goes on with older code does not claim to have newer."""


def recipe_of(contract: Contract, library: Contract) -> str:
    """Return the digest of all that decides how a row of ``library`` is cut for ``contract``, besides the row."""
    digest = hashlib.sha256(_READ)
    digest.update(contract.model_dump_json().encode())
    for column, element in sorted(get_registry().elements_of(contract).items()):
        digest.update(f"{column} {element.model_dump_json()}".encode())
    digest.update(reconcile_of(library).entity_id.encode())
    return digest.hexdigest()
