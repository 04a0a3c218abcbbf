"""Kinds of events (事件种类): the one register of what happens, what is told of it and who is concerned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from catalog.model.departments import host_department
from catalog.model.errors import GuantongError
from catalog.model.settings import CHECKOUT

EVENT_KINDS = CHECKOUT / "catalog" / "event_kinds.yml"

Concerned = Literal["requester", "provider", "host", "readers", "permitted"]
"""Who is told: 需求部门, 数源部门, 主管部门, 已接收部门, 获授权部门."""

Sides = Mapping[Concerned, str | Collection[str] | None]
"""Who stands where in a matter; the host is known by itself."""


class EventKindUnknownError(GuantongError):
    """Nothing of this kind is ever told."""

    code = "EVENT_KIND_UNKNOWN"


class EventPayloadError(GuantongError):
    """An event would tell what its kind does not tell."""

    code = "EVENT_PAYLOAD"


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    name_en: str
    concerned: tuple[Concerned, ...] = Field(min_length=1)


class _Noun(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    object: str
    procedure: str | None = None
    payload: tuple[str, ...]
    kinds: dict[str, _Kind]


@dataclass(frozen=True)
class EventKind:
    """One kind of event."""

    kind: str
    """`noun.act`, such as `grant.revoke`."""
    name: str
    """中文名称."""
    name_en: str
    object: str
    """What the events are about, as their `object` begins."""
    payload: tuple[str, ...]
    """What it may tell: names and numbers."""
    concerned: tuple[Concerned, ...]
    procedure: str | None
    """The kind of procedure of which it is an act."""

    def departments(self, sides: Sides) -> list[str]:
        """Return whom an event of this kind concerns, each once, of those who stand somewhere in the matter."""
        found: set[str] = set()
        for who in self.concerned:
            found.update(_named(host_department() if who == "host" else sides.get(who)))
        return sorted(found)


@lru_cache(maxsize=4)
def load_event_kinds(path: Path = EVENT_KINDS) -> dict[str, EventKind]:
    """Return every kind by its name, in the order of the file."""
    nouns = {name: _Noun.model_validate(entry) for name, entry in yaml.safe_load(path.read_text("utf-8")).items()}
    return {
        f"{name}.{act}": EventKind(
            f"{name}.{act}", kind.name, kind.name_en, noun.object, noun.payload, kind.concerned, noun.procedure
        )
        for name, noun in nouns.items()
        for act, kind in noun.kinds.items()
    }


def get_event_kind(kind: str) -> EventKind:
    """Return one kind.

    Raises:
        EventKindUnknownError: there is none of this name.

    >>> get_event_kind("correction.close").name
    '校核办结'
    """
    known = load_event_kinds()
    if kind not in known:
        raise EventKindUnknownError(
            f"没有事件种类 (no event kind) {kind!r}", place=EVENT_KINDS.name, remedy=f"one of: {', '.join(known)}"
        )
    return known[kind]


@lru_cache(maxsize=1)
def _steps() -> dict[tuple[str, str], EventKind]:
    found = load_event_kinds().values()
    return {(one.procedure, one.kind.partition(".")[2]): one for one in found if one.procedure is not None}


def kind_of_step(procedure: str, act: str) -> EventKind:
    """Return the kind of the events that tell of a step of a procedure.

    Args:
        procedure: kind of procedure, as its history has it.
        act: the step.

    Raises:
        EventKindUnknownError: nothing is told of such a step.

    >>> kind_of_step("correction_case", "raise").kind
    'correction.raise'
    """
    found = _steps().get((procedure, act))
    if found is None:
        raise EventKindUnknownError(
            f"no event tells of {procedure}.{act}", place=EVENT_KINDS.name, remedy="enter its kind there"
        )
    return found


def _named(who: str | Collection[str] | None) -> Iterable[str]:
    names = [who] if isinstance(who, str) else who or []
    return (name for name in names if name)
