"""Every named point of every stage, by every way to die (中断点全表), each run again and held against the model."""

from __future__ import annotations

import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.histories.history import KINDS, Death, Draw, Turn
from tests.histories.killing import WAYS
from tests.histories.library import Library
from tests.histories.world import Ground, World

TRIES = 4
"""How often a point is aimed at in one way before it is told as never reached."""
AT_ONCE = 8
"""Deaths of one stage before its run may end and the model is looked at."""
HISTORIES = 12
STEPS = 200
"""Steps that histories are drawn for; more than any kind of source needs."""


@dataclass
class DeathTable:
    """Who died where, kept on file so that a later run goes on."""

    record: Path
    died: set[tuple[str, str]] = field(default_factory=set)
    """Point and way."""
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: int = 0

    def __post_init__(self) -> None:
        if self.record.is_file():
            kept = json.loads(self.record.read_text(encoding="utf-8"))
            self.died = {(point, way) for point, way in kept["died"]}
            self.tried = Counter({(point, way): count for point, way, count in kept["tried"]})
            self.differences = kept["differences"]

    def keep(self) -> None:
        """Write what is known."""
        kept = {
            "died": sorted(self.died),
            "tried": [[*place, count] for place, count in sorted(self.tried.items())],
            "differences": self.differences,
        }
        self.record.parent.mkdir(parents=True, exist_ok=True)
        self.record.write_text(json.dumps(kept, indent=1), encoding="utf-8")

    def due(self, stage: str, passed: Sequence[str]) -> list[Death]:
        """Return the next deaths of a stage, in the order in which its run comes to them.

        Args:
            stage: its name.
            passed: the points that a run of it came to.
        """
        wanted = [(point, way) for point in dict.fromkeys(passed) for way in WAYS if self._is_open(point, way)]
        least = min((self.tried[place] for place in wanted), default=0)
        chosen = [place for place in wanted if self.tried[place] == least][:AT_ONCE]
        return [Death(stage, point, way) for point, way in chosen]

    def note(self, aimed: Sequence[Death], died: Sequence[tuple[str, str]], differences: int) -> None:
        """Take down the deaths of a step; a stage that ended before one of them was not let die at the later ones."""
        ended: set[str] = set()
        for death in aimed:
            place = (str(death.point), death.way)
            if death.stage not in ended:
                self.tried[place] += 1
            if place not in died:
                ended.add(death.stage)
        self.died.update(died)
        self.differences += differences
        self.keep()

    def _is_open(self, point: str, way: str) -> bool:
        return (point, way) not in self.died and self.tried[point, way] < TRIES

    def show(self, say: Callable[[str], None]) -> None:
        """Print the points by the ways in which runs died there."""
        points = sorted({point for point, _ in self.tried} | {point for point, _ in self.died})
        width = max((len(point) for point in points), default=5)
        say(f"{'point':{width}}  " + "  ".join(WAYS))
        for point in points:
            marks = ("died" if (point, way) in self.died else "–" for way in WAYS)
            say(f"{point:{width}}  " + "  ".join(f"{mark:>{len(way)}}" for mark, way in zip(marks, WAYS, strict=True)))
        whole = sum(all((point, way) in self.died for way in WAYS) for point in points)
        say(f"{len(points)} points, {whole} in all {len(WAYS)} ways, {len(self.died)} deaths, "
            f"{self.differences} differences")  # fmt: skip


def live_points(ground: Ground, seed: str, record: Path, say: Callable[[str], None]) -> int:
    """Let runs of all stages die at every named point in every way; return how many differences were found."""
    table = DeathTable(record)
    for kind in KINDS:
        draw = Draw(kind, STEPS, f"{seed}/points")
        histories = {n: draw.history(n) for n in range(1, HISTORIES + 1)}
        world = World(ground, kind, f"{kind}_points_{int(time.time())}", draw.timetable, histories)
        turns = iter(draw.timetable)

        def take(deaths: Sequence[Death], world: World = world, turns: Iterator[Turn] = turns) -> None:
            world.take(Turn(slots=next(turns).slots, killed=tuple(deaths)))

        _walk(kind, world, take, table, say)
    library = Library(ground.outbox.parent / "points_library", seed)
    try:
        _walk("library", library, library.take, table, say)
    finally:
        library.close()
    table.show(say)
    return table.differences


def _walk(
    kind: str,
    lived: World | Library,
    take: Callable[[Sequence[Death]], None],
    table: DeathTable,
    say: Callable[[str], None],
) -> None:
    """Go on, step by step, as long as a point of a stage is due."""
    while True:
        deaths = [death for stage, passed in lived.ended.items() for death in table.due(stage, passed)]
        if lived.ended and not deaths:
            return
        began, known, died = time.monotonic(), len(lived.differences), len(lived.deaths)
        failure = ""
        try:
            take(deaths)
        except Exception:  # whatever a stage raises is a difference: the model never fails
            failure = traceback.format_exc()
        found = lived.differences[known:]
        table.note(deaths, lived.deaths[died:], len(found) + bool(failure))
        say(f"  {kind}: {len(lived.deaths) - died} deaths, {len(table.died)} in all, {len(found)} differences, "
            f"{time.monotonic() - began:.0f} s")  # fmt: skip
        for difference in found[:5]:
            say(f"  {difference.history}: {difference}")
        if failure:
            say(failure[-1500:])
            return
