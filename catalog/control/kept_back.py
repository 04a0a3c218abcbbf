"""What the negative list forbids now (负面清单): one answer for every act, for the catalogue and for the reading door.

A line keeps back the elements of one department: those that it shares, and those that it is the source of (数源部门),
whoever shares them. What it names is forbidden from the moment it stands on the list: nobody applies for it, approves,
renews, resumes or reads it, whatever was granted or published before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.entry_tables import CatalogueEntry
from catalog.control.list_tables import NegativeListing
from catalog.control.tables import Resource, ShareVersion
from catalog.model.catalogue_entry import Entry, EntryItem, read_entry
from catalog.model.contract import Contract
from catalog.model.elements import load_elements
from catalog.model.errors import ContractError, GuantongError
from catalog.model.publication import elements_published
from catalog.model.registry import get_registry


class KeptBackError(GuantongError):
    """Something is asked for, granted or read that the negative list forbids."""

    code = "KEPT_BACK"


@dataclass(frozen=True)
class NegativeList:
    """The lines in force."""

    citations: Mapping[tuple[str, str], str]
    """Department and element → the law that forbids sharing it."""

    @property
    def departments(self) -> frozenset[str]:
        """Whose elements are kept back."""
        return frozenset(department for department, _ in self.citations)

    def of(self, department: str, elements: Iterable[str | None]) -> dict[str, str]:
        """Return which of some elements a department may not share, each with the law that says so.

        Neither what it listed itself, nor what their source has listed.
        """
        found = {}
        for name in dict.fromkeys(element for element in elements if element is not None):
            laws = (self.citations.get((whose, name)) for whose in (department, *sorted(sources_of(name))))
            if law := next(filter(None, laws), None):
                found[name] = law
        return found

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
    """Return which columns of a resource the negative list forbids now, each with the law.

    A column is bound to its element by the contract of the resource, and by what is published over it.

    Raises:
        InvalidContractError: the contract of the resource cannot be used.
    """
    contract, lines = contract_of(resource), negative_list(session)
    if not lines.citations:
        return {}
    bound = _bound_today(contract)
    shares = [contract.government.department] if contract else []
    return _by_entries(session, lines, resource, columns) | _forbidden(lines, shares, bound, columns)


def kept_back_of(session: Session, version: ShareVersion, columns: Collection[str]) -> dict[str, str]:
    """Return which columns of a published version the negative list forbids now, each with the law.

    A column is bound to its element by what the version was published with, and by today's contract, which may mend a
    wrong binding: what either forbids is kept back. One that neither knows is kept back while the sharing department
    has anything on the list: nobody can tell that it may be shared. Columns of the pipeline itself (``_…``) have no
    element.
    """
    lines = negative_list(session)
    if not lines.citations:
        return {}
    contract = contract_of(version.resource)
    then, today = elements_published(version.published_with), _bound_today(contract)
    shares, bound = _sharing(session, version, contract), {*then, *today}
    found = _forbidden(lines, shares, today, columns) | _forbidden(lines, shares, then, columns)
    unbound = [name for name in columns if name not in bound and not name.startswith("_")]
    for department in sorted(lines.departments.intersection(shares)):
        found |= dict.fromkeys(
            unbound, f"no element is known of it, and {department} has a negative list (无法对应数据元)"
        )
    return _by_entries(session, lines, version.resource, columns) | found


def contract_of(resource: str) -> Contract | None:
    """Return the contract of a resource, if there is one today.

    Raises:
        InvalidContractError: there is one that cannot be used: what it keeps from readers cannot be told.
    """
    return get_registry().get(resource) if get_registry().has(resource) else None


@lru_cache(maxsize=4096)
def sources_of(element: str) -> frozenset[str]:
    """Return the departments that submit an element (数源部门), in any of its versions; none of an unknown one."""
    try:
        return frozenset(version.submitted_by for version in load_elements().versions(element))
    except ContractError:
        return frozenset()


def _sharing(session: Session, version: ShareVersion, contract: Contract | None) -> list[str]:
    """Return the departments that share a version: then, as registered, and by today's contract."""
    registered = session.scalar(select(Resource.department).where(Resource.id == version.resource))
    said = (version.published_with or {}).get("department")
    today = contract.government.department if contract else None
    return sorted({department for department in (registered, said, today) if department})


def _by_entries(session: Session, lines: NegativeList, resource: str, columns: Collection[str]) -> dict[str, str]:
    entries = select(CatalogueEntry).where(CatalogueEntry.resource == resource, CatalogueEntry.state == "published")
    found: dict[str, str] = {}
    for record in session.scalars(entries.order_by(CatalogueEntry.number)):
        found |= lines.items(read_entry(record.content, place=record.number), columns)
    return found


def _forbidden(
    lines: NegativeList, shares: Iterable[str], bound: Mapping[str, str], columns: Collection[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for department in shares or ("",):
        for column in columns:
            if column in bound and (law := lines.of(department, [bound[column]]).get(bound[column])):
                found.setdefault(column, law)
    return found


def told(listed: Mapping[str, str]) -> str:
    """Return what is kept back in words.

    >>> told({"name": "《某法》第一条"})
    'name: 《某法》第一条'
    """
    return "; ".join(f"{name}: {law}" for name, law in listed.items())


def _bound_today(contract: Contract | None) -> dict[str, str]:
    """Return column → element by today's contract; none for what has no contract."""
    if contract is None:
        return {}
    return {column: element.id for column, element in get_registry().elements_of(contract).items()}


def _kept(item: EntryItem, law: str | None) -> EntryItem:
    if law is None:
        return item
    return item.model_copy(update={"share_type": "refused", "legal_citation": law, "is_open": False})
