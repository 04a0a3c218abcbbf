"""Bronze against silver (原始层与标准层核对): every accepted row in one state, every record as its newest version says.

This is a second way to the same end: plain Python over the tables as they lie, without the engine that wrote them.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from catalog import lake
from catalog.control.batch_orders import accepted_batches, batch_orders
from catalog.control.ledger import ledger_entries
from catalog.library.masked import masked
from catalog.model.contract import Contract
from catalog.model.layers import bronze_of, set_aside_of, table_of
from catalog.model.version_order import BatchOrder, VersionOrder, order_of
from catalog.proof.difference import Proof

Row = dict[str, Any]
Identity = tuple[str, int]
IN_FORCE, UNCHANGED, SUPERSEDED = "in force", "unchanged", "superseded"
SET_ASIDE, TOMBSTONED = "set aside", "tombstoned"
_IDENTITY = "coalesce(_row_id, _row_number)"


def prove_silver(session: Session, contract: Contract, share: int) -> Proof | None:
    """Compare what bronze, silver and the ledger hold of a resource; nothing where it was never conformed.

    Args:
        session: an open transaction.
        contract: the resource.
        share: one record in so many is rebuilt from bronze; counts are of all.
    """
    if not all(map(lake.exists, (bronze_of(contract), table_of(contract), set_aside_of(contract)))):
        return None
    proof = Proof(contract.id)
    accepted = accepted_batches(session, contract)
    entries = ledger_entries(session, resource=contract.id)
    laid = {e.batch_id: e.accepted for e in entries if e.stage == "extract"}
    judged = {e.batch_id: (e.accepted, e.set_aside) for e in entries if e.stage == "conform"}
    aside = _set_aside(contract)
    _compare_counts(proof, contract, laid, judged, aside, {b.batch_id for b in accepted})
    _compare_records(proof, contract, batch_orders(contract, accepted), set(judged), aside, share)
    return proof


def _set_aside(contract: Contract) -> set[Identity]:
    rows = lake.query(f"SELECT _batch_id, {_IDENTITY} AS id FROM a", a=set_aside_of(contract)) or []  # noqa: S608
    return {(row["_batch_id"], row["id"]) for row in rows}


def _compare_counts(
    proof: Proof,
    contract: Contract,
    laid: dict[str, int],
    judged: dict[str, tuple[int, int]],
    aside: set[Identity],
    accepted: set[str],
) -> None:
    """Hold the ledger of each batch against the rows that lie in the tables."""
    rows = lake.query("SELECT _batch_id, count(*) AS n FROM b GROUP BY _batch_id", b=bronze_of(contract)) or []
    held = {row["_batch_id"]: row["n"] for row in rows}
    refused = Counter(batch for batch, _ in aside)
    for batch in sorted(accepted):
        if held.get(batch, 0) != laid.get(batch, 0):
            said = f"the ledger says {laid.get(batch, 0)}, bronze holds {held.get(batch, 0)}"
            proof.differ("BRONZE_ROWS_DIFFER", batch, said)
        if batch in judged and judged[batch] != (held.get(batch, 0) - refused[batch], refused[batch]):
            said = (
                f"the ledger says {judged[batch]}, the tables {(held.get(batch, 0) - refused[batch], refused[batch])}"
            )
            proof.differ("CONFORMED_ROWS_DIFFER", batch, said)
    for batch in sorted(set(refused) - accepted):
        proof.differ("SET_ASIDE_WITHOUT_BATCH", batch)


def _compare_records(
    proof: Proof,
    contract: Contract,
    orders: dict[str, BatchOrder],
    judged: set[str],
    aside: set[Identity],
    share: int,
) -> None:
    """Rebuild records from bronze, each from all its versions, and hold silver against them."""
    silver: dict[str, list[Row]] = defaultdict(list)
    for row in _sampled(table_of(contract), "*", share):
        silver[row["_record_key"]].append(row)
    spelled = {_plain(key) for key, rows in silver.items() if any(not row["_is_deleted"] for row in rows)}
    seen: set[str] = set()
    for key, versions in _records(contract, orders, judged, share):
        seen.add(key)
        proof.compared[SET_ASIDE] += sum(1 for _, row in versions if _of(row) in aside)
        sound = [(order, row) for order, row in versions if _of(row) not in aside]
        living = [row for row in silver.get(key, []) if not row["_is_deleted"]]
        if len(living) > 1:
            proof.differ("RECORD_UNDER_TWO_KEYS", _shown(contract, key), f"{len(living)} living rows")
        if sound:
            _compare_newest(proof, contract, key, sound, living, spelled)
        elif living:
            proof.differ("LIVES_WITHOUT_A_SOUND_VERSION", _shown(contract, key))
    for key in set(silver) - seen:
        if any(not row["_is_deleted"] for row in silver[key]):
            proof.differ("LIVES_WITHOUT_BRONZE", _shown(contract, key))


def _compare_newest(
    proof: Proof,
    contract: Contract,
    key: str,
    sound: list[tuple[VersionOrder, Row]],
    living: list[Row],
    spelled: set[str],
) -> None:
    """Count the sound versions of a record by state, and hold its newest one against silver."""
    _, newest = max(sound, key=lambda pair: (pair[0], pair[1]["id"]))
    proof.compared[SUPERSEDED] += len(sound) - 1
    if newest["_operation"] == "D":
        proof.compared[TOMBSTONED] += 1
        if living:
            proof.differ("DELETED_AND_ALIVE", _shown(contract, key), f"{newest['_batch_id']}")
        return
    if not living:
        if contract.source.key == contract.key and _plain(key) in spelled:
            proof.compared[SUPERSEDED] += 1
            return
        proof.differ("LOST", _shown(contract, key), f"newest in {newest['_batch_id']} row {newest['id']}")
        return
    held = living[0]
    is_same = _of(newest) == _of(held, "_row_id")
    proof.compared[IN_FORCE if is_same else UNCHANGED] += 1
    for column in _differing(contract, newest, held):
        proof.differ("VALUE_DIFFERS", f"{_shown(contract, key)} {column}", f"newest in {newest['_batch_id']}")


def _differing(contract: Contract, raw: Row, held: Row) -> Iterator[str]:
    """Yield the columns of which silver says neither what was sent nor what a rule made of it."""
    changed = {change["column"] for change in held["_changes"] or []}
    for column in contract.raw_columns:
        sent, value = raw[column], held[column]
        if column in changed or value is None or (sent is None and value is None):
            continue
        if sent is None or _plain(str(value)) not in (_plain(sent), _plain(sent).split("t")[0]):
            yield column


def _plain(text: str) -> str:
    """Return a text without what standard forms may change without a word: width, case, blanks.

    >>> _plain("ＡＢ 1") == _plain("ab1")
    True
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _of(row: Row, identity: str = "id") -> Identity:
    return row["_batch_id"], row[identity] if row[identity] is not None else row["_row_number"]


def _records(
    contract: Contract, orders: dict[str, BatchOrder], judged: set[str], share: int
) -> Iterator[tuple[str, list[tuple[VersionOrder, Row]]]]:
    """Yield each record with the versions of it that were conformed."""
    found: dict[str, list[tuple[VersionOrder, Row]]] = defaultdict(list)
    columns = ", ".join(f'"{column}"' for column in contract.raw_columns)
    fixed = f"{_IDENTITY} AS id, _batch_id, _record_key, _operation, _source_at, _row_number"
    for row in _sampled(bronze_of(contract), f"{fixed}, {columns}", share):
        batch = orders.get(row["_batch_id"])
        if batch is None or row["_batch_id"] not in judged:
            continue
        is_gone = row["_operation"] == "D"
        order = order_of(contract.source, batch, row["_source_at"], row["_row_number"], is_deletion=is_gone)
        found[row["_record_key"]].append((order, row))
    yield from found.items()


def _sampled(table: Any, columns: str, share: int) -> list[Row]:  # noqa: ANN401
    """Return rows of one record in ``share``, chosen by a digest of its key, so that tables agree on which."""
    wanted = "true" if share <= 1 else f"right(md5(_record_key), 4) < '{65536 // share:04x}'"
    return lake.query(f"SELECT {columns} FROM t WHERE {wanted}", t=table) or []  # noqa: S608 - numbers and contract names


def _shown(contract: Contract, record_key: str) -> str:
    """Return a record's key as a report may show it."""
    personal = {p.name for p in contract.properties if p.classification in ("personal", "sensitive")}
    column = next((c for c in contract.source.key if c in personal), None)
    return f"record {masked(contract, column, record_key) if column else record_key}"
