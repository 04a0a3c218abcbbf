"""By what a silver table was judged (判定口径): contract and rules, and each code list, as digests that are kept.

A row that was judged by other terms is judged again, with every batch of its table. A value that gets its meaning by
command is the exception: its batches wait by themselves, and the digest on record follows the list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from catalog.control.positions import get_position
from catalog.control.unmapped import terms_position
from catalog.model.codes import load_code_list
from catalog.model.contract import Contract
from catalog.model.rule_digest import code_lists_of
from jobs.runtime import standards

TERMS = "terms"
"""Name of the position that remembers the digest of contract and rules."""
_UNJUDGED = {"business_name", "description", "classification", "examples", "unique"}
"""What a column says that decides nothing about a row's value."""
_CODE = [*sorted(Path(standards.__file__).parent.rglob("*.py")), Path(__file__).with_name("judge.py")]
_READ = b"".join(path.read_bytes() for path in _CODE)
"""As it was when this process read it, so that a process that goes on with older rules does not claim newer ones."""


def terms_of(contract: Contract) -> dict[str, str]:
    """Return name of the position → digest, of all that decides how a bronze row of ``contract`` is judged."""
    said = {
        "columns": [p.model_dump(exclude=_UNJUDGED) for p in contract.properties],
        "items": {column: contract.item(column).model_dump(exclude={"mask"}) for column in contract.columns},
        "record": contract.source.key,
    }
    digest = hashlib.sha256(_READ + json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode())
    lists = {terms_position(name): load_code_list(name).digest for name in code_lists_of(contract)}
    return {TERMS: digest.hexdigest(), **lists}


def has_terms(session: Session, consumer: str) -> bool:
    """Tell whether it is on record by what a table was judged."""
    return get_position(session, consumer, TERMS) is not None


def changed_terms(session: Session, consumer: str, terms: Mapping[str, str]) -> list[str]:
    """Return which of ``terms`` are others than those on record; none where nothing is on record."""
    if not has_terms(session, consumer):
        return []
    kept = {name: get_position(session, consumer, name) for name in terms}
    return [name for name, digest in terms.items() if kept[name] not in (None, digest)]
