"""One proof (证明): worlds of histories, one after the other, with what was done kept for the next time."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.histories.history import Draw
from tests.histories.reduce import Counterexample, Reducer
from tests.histories.world import Difference, Ground, World, histories_of

SIDE_BY_SIDE = 200
"""Histories that share one table."""


@dataclass(frozen=True)
class Part:
    """Histories of one world."""

    kind: str
    first: int
    last: int

    @property
    def label(self) -> str:
        """Its name on record."""
        return f"{self.kind} {self.first}–{self.last}"


@dataclass
class Proof:
    """What is to be proved, and how far it has come."""

    ground: Ground
    seed: str
    histories: int
    steps: int
    kinds: Sequence[str]
    record: Path
    rounds: int
    say: Callable[[str], None]
    done: dict[str, dict[str, object]] = field(default_factory=dict)
    found: list[Counterexample] = field(default_factory=list)

    def parts(self) -> list[Part]:
        """Return the worlds: every kind of source has its share of the histories."""
        share = -(-self.histories // len(self.kinds))
        spans = [(first, min(first + SIDE_BY_SIDE, share + 1) - 1) for first in range(1, share + 1, SIDE_BY_SIDE)]
        return [Part(kind, first, last) for first, last in spans for kind in self.kinds]

    def run(self) -> bool:
        """Live all parts that are not on record; return whether nothing differed."""
        self._resume()
        for part in self.parts():
            if part.label in self.done:
                self.say(f"{part.label}: on record")
                continue
            self.done[part.label] = self._live(part)
            self.record.parent.mkdir(parents=True, exist_ok=True)
            self.record.write_text(json.dumps(self._state(), ensure_ascii=False, indent=1), encoding="utf-8")
        return not any(entry["differences"] for entry in self.done.values())

    def _state(self) -> dict[str, object]:
        return {"seed": self.seed, "histories": self.histories, "steps": self.steps, "done": self.done}

    def _resume(self) -> None:
        """Take up what an earlier run with the same seed and sizes has done."""
        if self.record.is_file():
            kept = json.loads(self.record.read_text(encoding="utf-8"))
            if {**self._state(), "done": 0} == {**kept, "done": 0}:
                self.done = kept["done"]

    def _live(self, part: Part) -> dict[str, object]:
        draw = Draw(part.kind, self.steps, f"{self.seed}/{part.first}")
        histories = {n: draw.history(n) for n in range(1, part.last - part.first + 2)}
        began = time.monotonic()
        name = f"{part.kind}_{part.first}_{int(time.time())}"
        world = World(self.ground, part.kind, name, draw.timetable, histories, tell=self.say)
        found = world.live()
        seconds = time.monotonic() - began
        self.say(f"{part.label}: {len(histories)} histories, {self.steps} steps, {len(world.deaths)} deaths, "
                 f"{seconds:.0f} s, {len(found)} differences")  # fmt: skip
        if found:
            self._explain(part, draw, world, found)
        return {
            "histories": len(histories), "steps": len(world.clock.began), "seconds": round(seconds),
            "deaths": [" · ".join(death) for death in world.deaths], "differences": len(found),
        }  # fmt: skip

    def _explain(self, part: Part, draw: Draw, world: World, found: list[Difference]) -> None:
        """Show what differed, and reduce the first history of it."""
        kinds = Counter(d.what.split(":")[0].split(" of ")[0].split(" under ")[0] for d in found)
        self.say(f"  {dict(kinds)}; histories {histories_of(found)[:20]}")
        for difference in found[:5]:
            self.say(f"  {difference.history}: {difference}")
        if world.failure:
            self.say(world.failure[-1500:])
        if not self.rounds:
            return
        reducer = Reducer(self.ground, part.kind, self.say)
        known = histories_of(found)
        history = world.histories[known[0]] if known else reducer.find(draw.timetable, [*world.histories.values()])
        smallest = history and reducer.reduce(draw.timetable, history, self.rounds)
        if smallest:
            self.found.append(smallest)
            self.say(f"smallest: {smallest}")
