"""Matters between two departments (办理事项): shown to their sides, and taken a step further, each the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.model.caller import Caller
from catalog.model.state_machine import Actor
from catalog.service.api_exchange import actor_of, answered, require_side
from catalog.service.api_types import Answer, Body

Record = TypeVar("Record")
Whole = TypeVar("Whole")


@dataclass(frozen=True)
class Matter(Generic[Record, Whole]):
    """One kind of matter: where it is found, who its sides are, and how it is answered."""

    noun: str
    """In acts, events and places: `application`."""
    find: Callable[[Session, str], Record]
    """The record, locked; refuses an unknown number."""
    move: Callable[[Session, str, str, Actor, dict[str, Any]], Record]
    """Takes the step of a name with the facts stated."""
    sides: Callable[[Record], tuple[str | None, ...]]
    """Departments whose officers see it."""
    whole: Callable[[Session, Record], Whole]
    """The answer, with clocks and history."""

    def show(self, session: Session, who: Caller, number: str) -> Whole:
        """Answer one matter to somebody of a side."""
        with answered(self.noun):
            found = self.find(session, number)
            require_side(who, self.noun, *self.sides(found))
        return self.whole(session, found)

    def step(self, session: Session, who: Caller, number: str, body: Body) -> Whole:
        """Take the step that ``body.act`` names, recorded before it."""
        facts = body.model_dump(exclude_none=True)
        act = f"{self.noun}.{(name := facts.pop('act'))}"
        place = f"{self.noun}:{number}"
        with answered(self.noun):
            found = self.find(session, number)
            require_side(who, self.noun, *self.sides(found))
            record(session, who, act, place, detail={"reason": facts.get("reason")})
            moved = self.move(session, number, name, actor_of(who), facts)
        return self.whole(session, moved)


def rendered(answer: type[Answer], found: object, *, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the attributes of a record that an answer has by the same names."""
    return {name: getattr(found, name) for name in answer.model_fields if name not in but}
