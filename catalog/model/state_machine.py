"""Lives in states (办理状态): a table of who may do what in which state, and the one way to take a step.

Invariant of every machine: each state can be reached from the first one, and each is final or has a way out. A step
that the table does not have is refused; nobody decides on what they brought in, wrote or refused themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from catalog.model.errors import GuantongError

Party = Literal["requester", "provider", "host", "government", "system"]
"""Sides of a procedure: 需求方, 提供方, 主管部门, 本级人民政府, and the platform by itself."""

ROLES_OF_PARTY: dict[Party, frozenset[str]] = {
    "requester": frozenset({"requester_officer"}),
    "provider": frozenset({"provider_officer"}),
    "host": frozenset({"host_authority"}),
    "government": frozenset({"host_authority"}),
    "system": frozenset({"system"}),
}
"""Roles of `design.md` that act for a side; the government's ruling is entered by the host authority."""


class MoveRefusedError(GuantongError):
    """A step that the table of transitions does not have in this state."""

    code = "ILLEGAL_TRANSITION"


class NotAPartyError(GuantongError):
    """The actor does not stand on a side that may take the step."""

    code = "NOT_A_PARTY"


class OwnDecisionError(GuantongError):
    """Somebody would decide on what they brought in, wrote or refused themselves."""

    code = "OWN_DECISION"


class FactMissingError(GuantongError):
    """A step lacks what it must state, such as the reason of a refusal."""

    code = "FACT_MISSING"


@dataclass(frozen=True)
class Actor:
    """Who acts: a person's account or the platform itself, for a department, in some roles."""

    name: str
    department: str
    roles: frozenset[str] = frozenset()


SYSTEM = Actor("system", "", frozenset({"system"}))
"""The platform, where nobody needs to decide."""


def parties_of(actor: Actor, *, requester: str | None = None, provider: str | None = None) -> frozenset[Party]:
    """Return the sides on which ``actor`` stands in a procedure between two departments.

    >>> officer = Actor("示范经办", "housing", frozenset({"requester_officer", "provider_officer"}))
    >>> sorted(parties_of(officer, requester="housing", provider="public_security"))
    ['requester']
    """
    department: dict[Party, str | None] = {"requester": requester, "provider": provider}
    return frozenset(
        party
        for party, roles in ROLES_OF_PARTY.items()
        if roles & actor.roles and department.get(party, actor.department) == actor.department
    )


@dataclass(frozen=True)
class Transition:
    """One line of the table: an act, the states it starts from, the state it ends in, and who may do it."""

    act: str
    sources: tuple[str, ...]
    target: str
    by: tuple[Party, ...]
    needs: tuple[str, ...] = ()
    """Facts that must be given, such as ``reason``."""
    recused: tuple[str, ...] = ()
    """Acts in the same matter, as `kind.act`: the person who took one of them does not take this one (回避)."""

    @property
    def decides(self) -> bool:
        """Whether it is a decision, from which others who had a hand in the matter are kept apart."""
        return bool(self.recused)


class Machine:
    """The table of one kind of procedure; it cannot be made with a state nobody reaches or nobody leaves."""

    def __init__(self, name: str, initial: str, final: Collection[str], transitions: Iterable[Transition]) -> None:
        self.name = name
        self.initial = initial
        self.final = frozenset(final)
        self.transitions = tuple(transitions)
        self._by_place: dict[tuple[str, str], Transition] = {}
        for transition in self.transitions:
            for source in transition.sources:
                if (source, transition.act) in self._by_place:
                    raise ValueError(f"{name}: {transition.act} stands twice for state {source}")
                self._by_place[source, transition.act] = transition
        self._refuse_dead_ends()

    @property
    def states(self) -> tuple[str, ...]:
        """All states, the first one first."""
        named = [state for t in self.transitions for state in (*t.sources, t.target)]
        return tuple(dict.fromkeys([self.initial, *named]))

    @property
    def open_states(self) -> tuple[str, ...]:
        """The states in which something is still to be done."""
        return tuple(state for state in self.states if state not in self.final)

    def acts(self, state: str, parties: Collection[Party] | None = None) -> tuple[str, ...]:
        """Return what can be done in ``state``, by some sides only if asked."""
        return tuple(
            act
            for (source, act), transition in self._by_place.items()
            if source == state and (parties is None or set(parties) & set(transition.by))
        )

    def step(
        self,
        state: str,
        act: str,
        actor: Actor,
        parties: Collection[Party],
        facts: Mapping[str, object] | None = None,
    ) -> Transition:
        """Return the transition that ``act`` is in ``state``, or refuse it.

        Args:
            state: where the procedure stands.
            act: what is to be done.
            actor: who does it.
            parties: the sides on which the actor stands here.
            facts: what is stated with the act.

        Raises:
            MoveRefusedError: the table has no such act in this state.
            NotAPartyError: the actor's sides may not do it.
            FactMissingError: a fact that the act needs is missing or empty.
        """
        transition = self._by_place.get((state, act))
        if transition is None:
            possible = ", ".join(self.acts(state)) or "nothing: it is final"
            raise MoveRefusedError(
                f"{self.name}: {act} is not possible in state {state}", remedy=f"possible: {possible}"
            )
        if not set(parties) & set(transition.by):
            raise NotAPartyError(
                f"{self.name}: {act} is not for {actor.name} ({actor.department or 'the platform'})",
                remedy=f"it belongs to: {', '.join(transition.by)}",
            )
        missing = [name for name in transition.needs if not (facts or {}).get(name)]
        if missing:
            raise FactMissingError(f"{self.name}: {act} needs {', '.join(missing)}", remedy="state it with the act")
        return transition

    def require_apart(self, transition: Transition, actor: Actor, taken: Collection[str]) -> None:
        """Accept an actor behind whom is nobody from whom the act is kept apart (回避).

        Args:
            transition: what is to be done.
            actor: who does it.
            taken: what the person behind the actor has done in this matter before, each as `kind.act`.

        Raises:
            OwnDecisionError: naming the acts from which it is kept apart.
        """
        if earlier := [one for one in transition.recused if one in taken]:
            raise OwnDecisionError(
                f"{self.name}: {transition.act} is not for {actor.name}, who took {', '.join(earlier)} in this matter",
                remedy="another person of the same side decides (回避)",
            )

    def _refuse_dead_ends(self) -> None:
        reached, waiting = {self.initial}, [self.initial]
        while waiting:
            state = waiting.pop()
            for act in self.acts(state):
                target = self._by_place[state, act].target
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
        unreached = set(self.states) - reached
        stuck = {state for state in self.states if not self.acts(state)} - self.final
        if unreached or stuck:
            raise ValueError(f"{self.name}: never reached {sorted(unreached)}, no way out of {sorted(stuck)}")
