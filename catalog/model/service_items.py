"""Service items (办理事项), the materials they ask for, and which of these need not be asked (可免提交)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from catalog.model.catalogue_entry import Entry
from catalog.model.codes import load_code_list
from catalog.model.contract import Name, Strict
from catalog.model.elements import load_elements
from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

SERVICE_ITEMS = CHECKOUT / "catalog" / "service_items"


class Material(Strict):
    """One material (申请材料)."""

    name: str
    licence_type: str | None = None
    """证照类型代码 of the licence that it is."""
    elements: tuple[Name, ...] = ()
    """Data elements that say the same."""


class ServiceItem(Strict):
    """One service item (事项)."""

    id: Name
    name: str
    department: Name
    materials: tuple[Material, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Provision:
    """Whether one material must be asked for."""

    material: str
    is_asked: bool
    """False when the platform provides it."""
    codes: tuple[str, ...]
    """Published entries that provide it."""
    providers: tuple[str, ...]
    needs_application: bool
    """True when one of the entries is 有条件共享."""


@lru_cache(maxsize=1)
def load_service_items(folder: Path = SERVICE_ITEMS) -> dict[str, ServiceItem]:
    """Return the service items by id.

    Raises:
        ContractError: naming the file and what is malformed, stands twice, or names an unknown licence or element.
    """
    found: dict[str, ServiceItem] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            items = [ServiceItem.model_validate(entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
        except (ValidationError, yaml.YAMLError) as error:
            raise ContractError(str(error), place=str(path), remedy="see the head of the file") from error
        for item in items:
            if item.id in found:
                raise ContractError(f"service item {item.id} stands twice", place=str(path), remedy="rename one")
            _require_known(item, path)
            found[item.id] = item
    return found


def what_need_not_be_asked(
    item: ServiceItem, entries: Sequence[Entry], licence_codes: Iterable[str] = ()
) -> list[Provision]:
    """Return of every material whether the published catalogue provides it.

    Args:
        item: the service item.
        entries: the published entries.
        licence_codes: codes of entries that serve licences of every type in service.
    """
    licences = set(licence_codes)
    return [_provision(material, entries, licences) for material in item.materials]


def _provision(material: Material, entries: Sequence[Entry], licence_codes: set[str]) -> Provision:
    chosen: dict[str, Entry] = {}
    complete = bool(material.licence_type or material.elements)
    if material.licence_type:
        serving = [entry for entry in entries if entry.code in licence_codes and entry.share_type != "refused"]
        complete &= bool(serving)
        chosen.update((entry.code, entry) for entry in serving[:1])
    for element in material.elements:
        source = next((entry for entry in entries if _shares(entry, element)), None)
        complete &= source is not None
        if source is not None:
            chosen[source.code] = source
    if not complete:
        return Provision(material.name, True, (), (), False)
    found = list(chosen.values())
    providers = tuple(dict.fromkeys(entry.provider for entry in found))
    conditional = any(entry.share_type == "conditional" for entry in found)
    return Provision(material.name, False, tuple(chosen), providers, conditional)


def _shares(entry: Entry, element: str) -> bool:
    return any(item.element == element and item.share_type != "refused" for item in entry.items)


def _require_known(item: ServiceItem, path: Path) -> None:
    licences, elements = load_code_list("licence_type").canonical_codes, set(load_elements().ids())
    for material in item.materials:
        unknown = [element for element in material.elements if element not in elements]
        if material.licence_type and material.licence_type not in licences:
            unknown.append(material.licence_type)
        if unknown:
            raise ContractError(
                f"{item.id}: {material.name}: unknown {', '.join(unknown)}", place=str(path), remedy="mend the name"
            )
