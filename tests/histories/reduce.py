"""The smallest history that still differs (最小反例): all reductions of one are lived side by side, in one world."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.histories.history import History, Timetable, plainer, shown, smaller
from tests.histories.world import Difference, Ground, World, histories_of

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Counterexample:
    """A history that differs, as small as it could be made."""

    kind: str
    timetable: Timetable
    history: History
    differences: list[Difference]

    def __str__(self) -> str:
        turns = "\n".join(f"  turn {n}: {_usual(turn)}" for n, turn in enumerate(self.timetable))
        found = "\n".join(f"  {d}" for d in self.differences[:6])
        return f"{self.kind}\n{turns}\n{shown(self.history)}\n{found}"


def _usual(turn: object) -> str:
    """Return what of a turn is not as usual."""
    from tests.histories.history import Turn

    usual = vars(Turn())
    return ", ".join(f"{k}={v}" for k, v in vars(turn).items() if v != usual[k] and v != ()) or "–"


@dataclass
class Reducer:
    """Makes histories of one kind of source smaller."""

    ground: Ground
    kind: str
    say: Callable[[str], None]

    def live(self, timetable: Timetable, histories: Sequence[History]) -> list[list[Difference]]:
        """Live histories side by side; return what differs in each. Where a stage fails each half lives alone."""
        numbered = dict(enumerate(histories, 1))
        world = World(self.ground, self.kind, f"{self.kind}_less_{next(_numbers)}_{id(self):x}", timetable, numbered)
        found = world.live()
        if len(histories) == 1:
            return [found]
        if world.failure or (found and not histories_of(found)):
            middle = len(histories) // 2
            return self.live(timetable, histories[:middle]) + self.live(timetable, histories[middle:])
        return [[d for d in found if d.history == number] for number in numbered]

    def find(self, timetable: Timetable, histories: Sequence[History]) -> History | None:
        """Return one of several histories that differs, when it is not known which."""
        for part in (histories[: len(histories) // 2], histories[len(histories) // 2 :]):
            if part:
                numbered = dict(enumerate(part, 1))
                name = f"{self.kind}_find_{next(_numbers)}_{id(self):x}"
                found = World(self.ground, self.kind, name, timetable, numbered).live()
                if found and len(part) == 1:
                    return part[0]
                if found:
                    known = histories_of(found)
                    return part[known[0] - 1] if known else self.find(timetable, part)
        return None

    def reduce(self, timetable: Timetable, history: History, rounds: int) -> Counterexample | None:
        """Return the smallest counterexample that ``rounds`` rounds find; nothing when the history differs no more."""
        [found] = self.live(timetable, [history])
        if not found:
            return None
        for left in range(rounds, 0, -1):
            candidates = list(dict.fromkeys(smaller(history)))
            results = self.live(timetable, candidates)
            differing = [(len(c), n) for n, c in enumerate(candidates) if results[n]]
            self.say(f"{self.kind}: {len(history)} events, {len(differing)} of {len(candidates)} smaller ones differ; "
                     f"{left - 1} rounds left")  # fmt: skip
            if not differing:
                break
            place = min(differing)[1]
            history, found = candidates[place], results[place]
        for what, table in plainer(timetable):
            [still] = self.live(table, [history])
            if still:
                self.say(f"{self.kind}: differs without {what} too")
                timetable, found = table, still
        return Counterexample(self.kind, timetable, history, found)
