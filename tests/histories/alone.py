"""Deaths one at a time (逐点中断): a run dies at one commit in one way, is run again, and is held against the model."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random

from tests.histories.history import Death, Draw, Turn
from tests.histories.killing import WAYS
from tests.histories.world import Ground, World

STAGES = {"extract": 16, "conform": 16}
"""Stage → its commits' beginnings and ends, at least; a point beyond the last kills nobody."""
KINDS = ("file", "full", "feed", "rest", "watermark")


def deaths(seed: str, count: int) -> list[Death]:
    """Return ``count`` deaths: every point before any comes again, the plainest way most often."""
    chance = Random(f"{seed}/alone")
    points = [(stage, point) for stage, last in STAGES.items() for point in range(last)]
    chance.shuffle(points)
    ways = ("exception", "kill -9", "exception", "engine", "exception", "kill -9", "exception", "database")
    return [Death(*points[n % len(points)], ways[(n + n // len(points)) % len(ways)]) for n in range(count)]


def live_alone(ground: Ground, seed: str, count: int, say: Callable[[str], None]) -> int:
    """Let runs die ``count`` times; return how many differences were found."""
    chosen, found = deaths(seed, count), 0
    died: Counter[tuple[str, str]] = Counter()
    share = -(-count // len(KINDS))
    for place, kind in enumerate(KINDS):
        own = chosen[place * share : (place + 1) * share]
        if not own:
            continue
        draw = Draw(kind, len(own), f"{seed}/alone")
        turns = [Turn(slots=drawn.slots, killed=(death,)) for drawn, death in zip(draw.timetable, own, strict=True)]
        histories = {n: draw.history(n) for n in range(1, 13)}
        world = World(ground, kind, f"{kind}_alone_{int(time.time())}", tuple(turns), histories, tell=say)
        differences = world.live()
        died.update(world.deaths)
        found += len(differences)
        say(f"alone, {kind}: {len(own)} runs, {len(world.deaths)} deaths, {len(differences)} differences")
        for difference in differences[:5]:
            say(f"  {difference.history}: {difference}")
        if world.failure:
            say(world.failure[-1500:])
    _show(died, say)
    return found


def _show(died: Counter[tuple[str, str]], say: Callable[[str], None]) -> None:
    """Print the points by the ways in which runs died there."""
    points = sorted({point for point, _ in died})
    width = max((len(point) for point in points), default=5)
    say(f"{'point':{width}}  " + "  ".join(WAYS))
    for point in points:
        say(f"{point:{width}}  " + "  ".join(f"{died[point, way] or '':>{len(way)}}" for way in WAYS))
    say(f"{len(points)} points, {sum(died.values())} deaths")
