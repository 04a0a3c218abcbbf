"""Whom a demand goes to (需求转办): departments that may be the source, by data element and by duty (一数一源)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from catalog.model.contract import Strict
from catalog.model.departments import load_departments
from catalog.model.element import Element
from catalog.model.elements import Elements
from catalog.model.errors import ContractError
from catalog.model.headings import normalise_heading
from catalog.model.settings import CHECKOUT

DUTIES = CHECKOUT / "catalog" / "duties.yml"
_BY_ELEMENT, _BY_CLASS, _BY_WORD = 4, 2, 1
"""What a reason weighs: the department whose fact it is comes before one whose duty is near."""


class DemandForm(Strict):
    """What a user department needs and no entry has (目录外需求)."""

    title: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    elements: tuple[Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")], ...] = Field(
        min_length=1
    )
    """Data elements, by id or by any of their names; a name that no element has is routed by duty."""
    description: str = Field(default="", max_length=4000, pattern=r"^[^\x00]*$")
    purpose: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")
    service_item: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")


class Duty(Strict):
    """What a department is responsible for."""

    object_classes: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A department that may be the source."""

    department: str
    weight: int
    reasons: tuple[str, ...]


@lru_cache(maxsize=4)
def load_duties(path: Path = DUTIES) -> dict[str, Duty]:
    """Return the duties by department.

    Raises:
        ContractError: when one is malformed, or belongs to no department.
    """
    try:
        found = {name: Duty.model_validate(entry) for name, entry in yaml.safe_load(path.read_text("utf-8")).items()}
    except (ValidationError, yaml.YAMLError) as error:
        raise ContractError(str(error), place=str(path), remedy="see the head of the file") from error
    strangers = sorted(set(found) - set(load_departments()))
    if strangers:
        raise ContractError(f"no departments {', '.join(strangers)}", place=str(path), remedy="see departments.yml")
    return found


def candidates(
    form: DemandForm, elements: Elements, day: date, *, requester: str, duties: Mapping[str, Duty] | None = None
) -> list[Candidate]:
    """Return the departments that may be the source of what is demanded, the likeliest first; never who asks.

    >>> from catalog.model.elements import load_elements
    >>> form = DemandForm(title="参保情况", elements=["姓名", "社保缴费月数"], purpose="p", service_item="s")
    >>> [c.department for c in candidates(form, load_elements(), date(2026, 3, 2), requester="housing")]
    ['public_security', 'human_resources']
    """
    reasons: dict[str, list[tuple[int, str]]] = {}
    in_force = elements.in_force(day)
    for wanted in form.elements:
        for element in _named(wanted, in_force):
            reasons.setdefault(element.submitted_by, []).append((_BY_ELEMENT, f"数源：{element.name}"))
    texts = " ".join((form.title, form.description, *form.elements))
    classes = {element.object_class for wanted in form.elements for element in _named(wanted, in_force)}
    for department, duty in (load_duties() if duties is None else duties).items():
        found = [(_BY_CLASS, f"职责：{name}") for name in duty.object_classes if name in classes]
        found += [(_BY_WORD, f"职责：{word}") for word in duty.words if word in texts]
        if found:
            reasons.setdefault(department, []).extend(found)
    ranked = [
        Candidate(department, sum(weight for weight, _ in found), tuple(dict.fromkeys(why for _, why in found)))
        for department, found in reasons.items()
        if department != requester
    ]
    return sorted(ranked, key=lambda candidate: (-candidate.weight, candidate.department))


def elements_named(wanted: Iterable[str], elements: Iterable[Element]) -> list[Element]:
    """Return the elements that some names mean, in their order."""
    known = list(elements)
    return [element for name in wanted for element in _named(name, known)]


def _named(wanted: str, elements: Iterable[Element]) -> list[Element]:
    """Return the elements that a name means; one of several object classes means several."""
    heading = normalise_heading(wanted)
    return [e for e in elements if e.id == wanted or heading in map(normalise_heading, e.headings)]
