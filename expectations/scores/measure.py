"""A and B of the twenty indicators (指标计量): of one batch as it was delivered, of a resource as it stands now.

A delivered resource is judged by what conform found in its rows; what the pipeline makes itself (base libraries, shared
tables) by what the gate found. A batch keeps the faults it came with; a resource is rid of those that were mended.
Rows of a delivery that is held count as dirty until somebody decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from catalog.control.issues import IssueState
from catalog.model.authority import checked_elements, get_authority
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.record_flag import load_freshness
from catalog.model.registry import Registry, get_registry
from expectations.scores.evidence import Delivered, Evidence
from expectations.scores.scheme import Scheme
from expectations.scores.score import Measured, part

PERSONAL = ("personal", "sensitive")
FREE_TEXT = ("text", "name", "current_name", "former_name", "code", "division", "address", "address_rest",
             "address_division")  # fmt: skip
CHECKABLE = ("citizen_id", "uscc", "organisation_code", "registration_number", "licence_id", "date", "instant")
TIMED_SOURCES = ("feed", "watermark", "rest")
BY_CELL: dict[str, Callable[[Contract, str], bool]] = {
    "权威参考数据": lambda contract, column: contract.code_list_of(column) is not None,
    "数据元素": lambda contract, column: next(
        p.required or p.primary_key for p in contract.properties if p.name == column
    ),
    "内容正确性": lambda contract, column: contract.item(column).standard in CHECKABLE,
    "格式合规性": lambda contract, column: contract.item(column).standard not in FREE_TEXT,
    "关联数据": lambda contract, column: contract.item(column).agrees_with is not None,
}
"""Indicator → which columns' cells it counts."""


def measure_batch(scheme: Scheme, registry: Registry, evidence: Evidence, batch_id: str) -> dict[str, Measured]:
    """Return the indicators of one delivered batch, with every fault that it came with.

    Raises:
        LookupError: when the batch is none of the evidence's.
    """
    place = next((n for n, b in enumerate(evidence.batches) if b.batch_id == batch_id), None)
    if place is None:
        raise LookupError(f"{evidence.contract.id} has no accepted batch {batch_id}")
    batch = evidence.batches[place]
    issues = [issue for issue in evidence.issues if issue.batch_id == batch_id]
    faults = _faults(scheme, issues, lambda issue: issue.open_rows + sum(issue.closed.values()))
    found = _delivered(scheme, evidence, [batch], faults, batch.set_aside + batch.rejected)
    found |= _timely(evidence, evidence.batches[max(place - 1, 0) : place + 1], [batch])
    found |= _designed(registry, evidence.contract)
    resource_only = ("数据模型", "业务规则", "相同数据", "可访问", "可用")
    return {**found, **{name: Measured(not_evaluable="NOT_OF_A_BATCH") for name in resource_only}}


def measure_resource(scheme: Scheme, registry: Registry, evidence: Evidence) -> dict[str, Measured]:
    """Return the indicators of a resource as it stands: of its faults only those that still wait."""
    contract = evidence.contract
    found = _designed(registry, contract) | _provided(evidence)
    if contract.government.source is None:
        return {**_made(scheme, evidence), **found, "相同数据": _same(evidence)}
    faults = _faults(scheme, evidence.issues, lambda issue: issue.open_rows)
    mended = sum(issue.closed_rows for issue in evidence.issues if issue.standing == "set_aside")
    counted = [*evidence.batches, *evidence.held]
    dirty = sum(batch.set_aside + batch.rejected for batch in counted)
    found |= _delivered(scheme, evidence, counted, faults, dirty - mended)
    found |= _timely(evidence, evidence.batches, evidence.batches)
    for name in ("数据模型", "业务规则"):
        found[name] = _by_rules(evidence, name)
    return {**found, "相同数据": Measured(not_evaluable="NOT_COMPARED")}


def _faults(scheme: Scheme, issues: Iterable[IssueState], rows: Callable[[IssueState], int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for issue in issues:
        indicator = scheme.fault_of(issue.reason)
        if indicator is not None:
            found[indicator] = found.get(indicator, 0) + rows(issue)
    return found


def _delivered(
    scheme: Scheme, evidence: Evidence, batches: Sequence[Delivered], faults: dict[str, int], dirty: int
) -> dict[str, Measured]:
    contract, rows = evidence.contract, sum(batch.admitted for batch in batches)
    found: dict[str, Measured] = {}
    for name, counts in BY_CELL.items():
        columns = sum(counts(contract, column) for column in contract.columns)
        cells = rows * columns
        found[name] = part(cells - faults.get(name, 0), cells, "NO_ROWS" if columns else "NO_SUCH_COLUMN")
    repeated = faults.get("唯一性", 0)
    own_key = contract.key == contract.source.key
    found["重复率"] = part(repeated, rows, "NO_ROWS")
    found["唯一性"] = Measured(not_evaluable="KEY_IS_RECORD") if own_key else part(rows - repeated, rows, "NO_ROWS")
    received = sum(batch.received for batch in batches)
    found["脏数据出现率"] = part(dirty, received, "NO_ROWS")
    declared = [(batch.received, batch.declared) for batch in batches if batch.declared]
    come = sum(min(received, expected or 0) for received, expected in declared)
    found["数据记录"] = part(come, sum(expected or 0 for _, expected in declared), "NOT_DECLARED")
    timed = contract.source.kind in TIMED_SOURCES
    late = faults.get("时序性", 0)
    found["时序性"] = part(rows - late, rows, "NO_ROWS") if timed else Measured(not_evaluable="NO_SOURCE_TIME")
    return found


def _timely(evidence: Evidence, batches: Sequence[Delivered], judged: Sequence[Delivered]) -> dict[str, Measured]:
    """Return whether batches came in their cycle, and whether they were of a usual size; the first has none before."""
    days = [batch.business_date for batch in batches if batch.business_date]
    gaps = [(after - before).days for before, after in pairwise(days)]
    allowed = load_freshness().days_of_cycle[evidence.contract.government.update_cycle]
    compared = {batch.batch_id for batch in judged} & evidence.compared
    return {
        "时间点及时性": part(sum(gap <= allowed for gap in gaps), len(gaps), "FIRST_DELIVERY"),
        "时间段正确性": part(len(compared - evidence.unusual), len(compared), "HISTORY_SHORT"),
    }


def _designed(registry: Registry, contract: Contract) -> dict[str, Measured]:
    """Return the indicators that the contract alone decides."""
    elements = registry.elements_of(contract)
    words = contract.description
    whole = [bool(text) for text in (words.purpose, words.usage, words.limitations)]
    described = [bool(p.business_name and (p.name in elements or p.description)) for p in contract.properties]
    personal = [p.name for p in contract.properties if p.classification in PERSONAL]
    masked = sum(contract.item(column).mask not in (None, "none") for column in personal)
    filled = [*whole, *described]
    return {
        "数据标准": part(len(elements), len(contract.columns), "NO_SUCH_COLUMN"),
        "元数据": part(sum(filled), len(filled), "NO_SUCH_COLUMN"),
        "安全规范": part(masked, len(personal), "NO_SUCH_COLUMN"),
    }


def _provided(evidence: Evidence) -> dict[str, Measured]:
    return {
        "可访问": part(*evidence.runs, "NEVER_RUN"),
        "可用": part(*evidence.checks, "NEVER_CHECKED"),
    }


def _made(scheme: Scheme, evidence: Evidence) -> dict[str, Measured]:
    """Return the indicators of a table that the pipeline makes, from the gate's rules."""
    found = {name: _by_rules(evidence, name) for name in scheme.indicators}
    found["重复率"] = found["脏数据出现率"] = Measured(not_evaluable="NOT_DELIVERED")
    return found


def _by_rules(evidence: Evidence, indicator: str) -> Measured:
    rules = [rule for rule in evidence.rules if rule.indicator == indicator]
    rows = sum(rule.rows for rule in rules)
    why = "NO_SUCH_RULE" if evidence.rules else "NEVER_CHECKED"
    return part(rows - sum(min(rule.failed, rule.rows) for rule in rules), rows, why)


def _same(evidence: Evidence) -> Measured:
    contract = evidence.contract
    if evidence.conflicts is None or contract.government.reconcile is None:
        return Measured(not_evaluable="NOT_COMPARED")
    try:
        checked = checked_elements(contract, get_registry(), get_authority().of(contract))
    except InvalidContractError:
        return Measured(not_evaluable="NOT_COMPARED")
    if not checked:
        return Measured(not_evaluable="NOT_COMPARED")
    cells = evidence.rows * len(checked)
    return part(cells - evidence.conflicts, cells, "NO_ROWS")
