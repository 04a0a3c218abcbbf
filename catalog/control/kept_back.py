"""What the negative list forbids now (负面清单): one answer for every act, for the catalogue and for the reading door.

A line keeps back the elements of one department. What it names is forbidden from the moment it stands on the list:
nobody applies for it, approves, renews, resumes or reads it, whatever was granted before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.entry_tables import CatalogueEntry
from catalog.control.list_tables import NegativeListing
from catalog.model.catalogue_entry import Entry, EntryItem, read_entry
from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry


class KeptBackError(GuantongError):
    """Something is asked for, granted or read that the negative list forbids."""

    code = "KEPT_BACK"


@dataclass(frozen=True)
class NegativeList:
    """The lines in force."""

    citations: Mapping[tuple[str, str], str]
    """Department and element → the law that forbids sharing it."""

    def of(self, department: str, elements: Iterable[str | None]) -> dict[str, str]:
        """Return which of some elements a department may not share, each with the law that says so."""
        wanted = dict.fromkeys(element for element in elements if element is not None)
        return {name: law for name in wanted if (law := self.citations.get((department, name)))}

    def items(self, entry: Entry, names: Collection[str] | None = None) -> dict[str, str]:
        """Return which items of an entry may not be shared, of some names if given, each with the law."""
        named = [item for item in entry.items if names is None or item.name in names]
        listed = self.of(entry.provider, (item.element for item in named))
        return {item.name: listed[item.element] for item in named if item.element in listed}

    def shared(self, entry: Entry) -> Entry:
        """Return an entry as it is shared now: what is kept back is 不予共享, by the law that says so."""
        listed = self.items(entry)
        if not listed:
            return entry
        return entry.model_copy(update={"items": tuple(_kept(item, listed.get(item.name)) for item in entry.items)})


def negative_list(session: Session) -> NegativeList:
    """Return the negative list in force."""
    lines = session.execute(
        select(NegativeListing.department, NegativeListing.elements, NegativeListing.citation)
        .where(NegativeListing.ended_at.is_(None))
        .order_by(NegativeListing.id)
    )
    return NegativeList({(department, name): law for department, names, law in lines for name in names})


def require_shareable(session: Session, entry: Entry, names: Collection[str], place: str) -> None:
    """Accept some items of an entry that the negative list does not forbid.

    Raises:
        KeptBackError: naming those that it forbids, each with the law.
    """
    if listed := negative_list(session).items(entry, names):
        raise KeptBackError(
            f"负面清单 (the negative list) keeps back {told(listed)}", place=place, remedy="leave these items out"
        )


def columns_kept_back(session: Session, resource: str, columns: Collection[str]) -> dict[str, str]:
    """Return which columns of a shared table the negative list forbids now, each with the law.

    A column is bound to its element by the contract of the resource, and by what is published over it.

    Raises:
        InvalidContractError: the contract of the resource cannot be used.
    """
    require_sound_contract(resource)
    lines = negative_list(session)
    if not lines.citations:
        return {}
    entries = select(CatalogueEntry).where(CatalogueEntry.resource == resource, CatalogueEntry.state == "published")
    found: dict[str, str] = {}
    for record in session.scalars(entries.order_by(CatalogueEntry.number)):
        found |= lines.items(read_entry(record.content, place=record.number), columns)
    for department, column, element in _bound(resource):
        if column in columns and (law := lines.of(department, [element]).get(element)):
            found[column] = law
    return found


def require_sound_contract(resource: str) -> None:
    """Accept a shared table whose contract can be used, or that has none.

    Raises:
        InvalidContractError: what it keeps from readers cannot be told until it is mended.
    """
    if get_registry().has(resource):
        get_registry().get(resource)


def told(listed: Mapping[str, str]) -> str:
    """Return what is kept back in words.

    >>> told({"name": "《某法》第一条"})
    'name: 《某法》第一条'
    """
    return "; ".join(f"{name}: {law}" for name, law in listed.items())


def _bound(resource: str) -> list[tuple[str, str, str]]:
    """Return department, column and element of a resource's columns; none for what has no contract."""
    registry = get_registry()
    if not registry.has(resource):
        return []
    contract = registry.get(resource)
    department = contract.government.department
    return [(department, column, element.id) for column, element in registry.elements_of(contract).items()]


def _kept(item: EntryItem, law: str | None) -> EntryItem:
    if law is None:
        return item
    return item.model_copy(update={"share_type": "refused", "legal_citation": law, "is_open": False})
