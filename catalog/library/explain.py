"""Why a cell of a base library is what it is (逐项溯源): who said it, when, by which rule, and what the others said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from catalog.library.statements import NoStatementsError, Said, Version, read_versions, standing, statements_of
from catalog.model.authority import EVERYTHING_ELSE, decided_elements, get_authority, reconcile_of
from catalog.model.contract import Contract
from catalog.model.entity_ids import ID_LENGTH, entity_id_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

Verdict = Literal["source", "agree", "conflict", "stale", "missing"]
"""``source`` decides; ``stale`` says what the source said earlier; ``missing`` knows the entity, not the value."""


_ENTITY_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


@dataclass(frozen=True)
class Testimony:
    """What one source says of one cell."""

    verdict: Verdict
    source: str
    department: str
    said: Said | None
    version: Version
    """The record in which it says so now."""
    since: Version
    """The record in which it first said so without interruption."""


@dataclass(frozen=True)
class Cell:
    """One cell with everything behind it."""

    column: str
    value: str | None
    origin: Literal["source", "key", "id", "link", "none"]
    """Decided among sources; the national key; the id made of it; found by a link; or nobody has a value."""
    note: str
    """The rule as a sentence."""
    testimonies: Sequence[Testimony]
    """The deciding source first."""


@dataclass(frozen=True)
class Explanation:
    """One entity, cell by cell, as known on a day and valid on another."""

    contract: Contract
    entity_id: str
    entity_key: str
    is_deleted: bool
    """Whether no source entitled to it has the entity any more (or yet)."""
    cells: Sequence[Cell]
    versions: Sequence[Version]
    leads_to: str
    """The id that stands for the entity now: its own, unless it was merged and nobody ever spoke of the other."""
    merged: Sequence[str] = ()
    """Ids that were merged and lead here; the one that was asked for is among them when it was followed."""


def id_of(contract: Contract, text: str) -> str:
    """Return the entity id that ``text`` is, or that belongs to the national key ``text``."""
    return text if _ENTITY_ID.fullmatch(text) else entity_id_of(contract.id, text, _secret())


def _secret() -> str:
    return get_settings().require("identity_key")


def explain(
    resource: str,
    identifier: str,
    *,
    redirects: Mapping[str, str] | None = None,
    recorded_on: date | None = None,
    valid_on: date | None = None,
) -> Explanation:
    """Return why each cell of an entity is what it is.

    Args:
        resource: base resource.
        identifier: entity id, or national key.
        redirects: id → the id that stands for it now; they are followed whatever day is asked for.
        recorded_on: as the library knew it on this business date; default now.
        valid_on: of what was so on this day; default now.

    Raises:
        ContractError: there is no such resource.
        NoStatementsError: nobody ever spoke of the entity.
    """
    contract = get_registry().get(resource)
    wanted, onward = id_of(contract, identifier), redirects or {}
    now = onward.get(wanted, wanted)
    spoken = read_versions(contract, sorted({wanted, now}))
    versions = spoken.get(now) or spoken.get(wanted)
    if not versions:
        nor = f", nor of {now}, into which it was merged" if now != wanted else ""
        raise NoStatementsError(
            f"no source ever spoke of this entity{nor}",
            place=f"{resource} {wanted}",
            remedy="give the entity id of the library, or the whole national key",
        )
    found = explain_versions(contract, versions, recorded_on=recorded_on, valid_on=valid_on)
    merged = sorted(gone for gone, stays in onward.items() if stays == found.entity_id)
    return replace(found, leads_to=onward.get(found.entity_id, found.entity_id), merged=merged)


def explain_versions(
    contract: Contract, versions: Sequence[Version], *, recorded_on: date | None = None, valid_on: date | None = None
) -> Explanation:
    """Return the explanation of the entity that ``versions`` are about; see :func:`explain`."""
    day = recorded_on or get_settings().business_date
    now = standing(versions, recorded_on=recorded_on, valid_on=valid_on)
    spec, key = reconcile_of(contract), versions[0].entity_key
    known = [v for v in versions if recorded_on is None or v.recorded_on <= recorded_on]
    decided = {element: _decided(contract, element, key, now, known, day) for element in decided_elements(contract)}
    cells = []
    for column in contract.columns:
        if column in decided:
            cells.append(decided[column])
        elif column == spec.key:
            cells.append(
                Cell(column, key, "key", "the national key, as every source that has it gives it", _keyed(now, known))
            )
        elif column == spec.entity_id:
            note = "made of the national key with this installation's secret; the same for ever"
            cells.append(Cell(column, versions[0].entity_id, "id", note, []))
        else:
            cells.append(_linked(contract, column, decided))
    members = spec.members or spec.inputs
    gone = not any(source in members for source in now)
    own_id = versions[0].entity_id
    return Explanation(contract, own_id, key, gone, cells, known, leads_to=own_id)


def golden(contract: Contract, key: str, now: Mapping[str, Version], day: date) -> dict[str, str | None]:
    """Return the value of each element that authority chooses among what stands."""
    library = get_authority().of(contract)
    found: dict[str, str | None] = {}
    for element in decided_elements(contract):
        order = library.order_for(element, key, day)
        found[element] = next((v for s in order if s in now and (v := now[s].value(element)) is not None), None)
    return found


def _decided(
    contract: Contract, element: str, key: str, now: Mapping[str, Version], known: Sequence[Version], day: date
) -> Cell:
    library = get_authority().of(contract)
    rule = library.rule_for(element, key, day)
    segment = library.segment_of(element, key, day)
    named = library.segments[segment].name if segment != EVERYTHING_ELSE else "every other entity"
    decider = next((s for s in rule.order if s in now and element in now[s].said), None)
    value = now[decider].value(element) if decider else None
    carrying = [s for s in reconcile_of(contract).inputs if element in get_registry().get(s).columns and s in now]
    order = sorted(carrying, key=lambda s: (s != decider, rule.order.index(s) if s in rule.order else len(rule.order)))
    said = [_testimony(element, s, decider, now, known) for s in order]
    place = f"source of {element} for {named}: {rule.source}" + "".join(f", then {f}" for f in rule.fallbacks)
    return Cell(element, value, "source" if decider else "none", f"{place} ({rule.basis})", said)


def _testimony(
    element: str, source: str, decider: str | None, now: Mapping[str, Version], known: Sequence[Version]
) -> Testimony:
    version = now[source]
    own = [s for s in statements_of(known, element) if s.source == source and s.said == version.said.get(element)]
    since = own[-1].first if own else version
    value, chosen = version.value(element), now[decider].value(element) if decider else None
    verdict: Verdict
    if source == decider:
        verdict = "source"
    elif value is None:
        verdict = "missing"
    elif value == chosen:
        verdict = "agree"
    else:
        earlier = {s.said.value for s in statements_of(known, element) if s.source == decider and not s.is_current}
        verdict = "stale" if value in earlier else "conflict"
    department = get_registry().get(source).government.department
    return Testimony(verdict, source, department, version.said.get(element), version, since)


def _keyed(now: Mapping[str, Version], known: Sequence[Version]) -> list[Testimony]:
    found = []
    for source, version in now.items():
        department = get_registry().get(source).government.department
        first = next(v for v in known if v.source == source)
        if version.linked_by and version.linked_by.method != "key":
            found.append(Testimony("missing", source, department, None, version, first))
            continue
        said = Said(version.entity_key, version.entity_key, None)
        found.append(Testimony("agree", source, department, said, version, first))
    return found


def _linked(contract: Contract, column: str, decided: Mapping[str, Cell]) -> Cell:
    """Return a cell that a link fills: the entity, among the link's targets, that the cell it goes by names."""
    link = next(link for link in reconcile_of(contract).links if link.column == column)
    by = decided[link.by]
    note = f"the entity that {link.by} names, in {' or '.join(link.targets)}"
    for target in link.targets:
        if by.value is None:
            break
        other = get_registry().get(target)
        wanted = id_of(other, by.value)
        try:
            spoken = read_versions(other, [wanted]).get(wanted, [])
        except NoStatementsError:
            continue
        if any(source in (reconcile_of(other).members or reconcile_of(other).inputs) for source in standing(spoken)):
            return Cell(column, wanted, "link", note, by.testimonies)
    return Cell(column, None, "link", f"{note}; none of them knows it", by.testimonies)
