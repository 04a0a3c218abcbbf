"""Whose data an entry may offer (目录条目的权限边界): its contract says so, never the entry itself.

An entry is written by officers, so its provider, code, resource and items are claims. They are held against the
contracts: an entry speaks only for tables of its own department, and offers no more than their contracts do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from catalog.model.catalogue_entry import Entry, EntryError, EntryItem, ShareType, is_stricter
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.departments import get_department
from catalog.model.errors import ContractError
from catalog.model.registry import Registry

_CODE = re.compile(r"\bresource_code\W{1,8}([123]\d{5,}/\d+)")
_CLASSES = ("public", "internal", "sensitive", "personal")


class EntryNotOwnError(EntryError):
    """An entry speaks for what is not its provider's, or offers more than its contract does."""

    code = "ENTRY_NOT_OWN"


def require_own(entry: Entry, registry: Registry) -> None:
    """Accept an entry that speaks for its own department's data only, and on no easier terms than the contract.

    Raises:
        EntryNotOwnError: naming everything in which it does not.
        InvalidContractError: its contract, or one that may bear its code, cannot be used.
        DepartmentUnknownError: its provider is no department.
    """
    _require_told_apart(entry, registry)
    contract = _contract_of(entry, registry)
    wrong = [*_claimed(entry, registry)]
    if contract is not None and not wrong:
        wrong += _widened(entry, contract, registry)
    if wrong:
        raise EntryNotOwnError(
            "; ".join(wrong), place=entry.code, remedy="an entry offers its own department's data, as its contract says"
        )


def _require_told_apart(entry: Entry, registry: Registry) -> None:
    """Accept an entry whose code is not that of a contract that cannot be used, as far as one can tell."""
    invalid = registry.invalid()
    if not invalid:
        return
    is_known = any(contract.government.resource_code == entry.code for contract in registry.all())
    for error in registry.invalid_with(entry.code) if is_known else invalid.values():
        if is_known or entry.code in (codes := _codes_in(error.path)) or not codes:
            raise error


def _codes_in(path: Path) -> list[str]:
    """Return the resource codes that stand in a file, whatever else is wrong with it."""
    try:
        return _CODE.findall(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []


def _contract_of(entry: Entry, registry: Registry) -> Contract | None:
    """Return the contract that an entry names, or whose code it bears; none while the resource is not built."""
    if entry.resource is None:
        return next((one for one in registry.all() if one.government.resource_code == entry.code), None)
    try:
        return registry.get(entry.resource)
    except InvalidContractError:
        raise
    except ContractError as error:
        raise EntryNotOwnError(
            f"there is no resource {entry.resource}", place=entry.code, remedy="leave it out until it is built"
        ) from error


def _claimed(entry: Entry, registry: Registry) -> Iterator[str]:
    """Yield in which ways an entry claims what is another department's."""
    if entry.provider_uscc != get_department(entry.provider).uscc:
        yield f"{entry.provider_uscc} is not the credit code of {entry.provider} (提供方代码不符)"
    for contract in registry.all():
        government = contract.government
        if contract.id == entry.resource and government.department != entry.provider:
            yield f"{contract.id} is {government.department}'s, not {entry.provider}'s (非本部门数据)"
        if government.resource_code != entry.code:
            continue
        if government.department != entry.provider:
            yield f"code {entry.code} belongs to {government.department} (非本部门资源代码)"
        elif entry.resource not in (None, contract.id):
            yield f"code {entry.code} is that of {contract.id} (资源代码不符)"


def _widened(entry: Entry, contract: Contract, registry: Registry) -> Iterator[str]:
    """Yield in which ways an entry offers more than its contract."""
    share = contract.government.share
    least: ShareType = share.type if share else "conditional"
    if is_stricter(least, entry.share_type):
        yield f"{contract.id} is shared {least}, not {entry.share_type} (共享类型放宽)"
    if share is not None and share.needs_host and not entry.needs_host:
        yield f"{contract.id} needs the host authority's consent (须经主管部门同意)"
    if share is not None and (more := sorted(set(entry.modes) - set(share.mode))):
        yield f"{contract.id} is not shared as {', '.join(more)} (共享方式超出)"
    elements = registry.elements_of(contract)
    for item in entry.items:
        if item.name not in contract.columns:
            yield f"{contract.id} has no column {item.name} (信息项超出)"
            continue
        element = elements.get(item.name)
        yield from _item_widened(item, least, element.id if element else None)
        if entry.resource is not None:
            yield from _declassified(item, contract)


def _item_widened(item: EntryItem, least: ShareType, element: str | None) -> Iterator[str]:
    """Yield in which ways an item is shared more easily, or is called something else, than its column."""
    if is_stricter(least, item.share_type):
        yield f"{item.name} is shared {least}, not {item.share_type} (共享类型放宽)"
    if item.element != element:
        yield f"{item.name} is the data element {element or 'none'}, not {item.element or 'none'} (数据元不符)"


def _declassified(item: EntryItem, contract: Contract) -> Iterator[str]:
    """Yield that an item is classed lower than its column; a workbook names no resource and cannot say its class."""
    classified = next(column.classification for column in contract.properties if column.name == item.name)
    if _CLASSES.index(item.classification) < _CLASSES.index(classified):
        yield f"{item.name} is {classified}, not {item.classification} (分类降低)"
