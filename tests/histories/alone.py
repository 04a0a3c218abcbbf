"""Deaths one at a time (逐点中断): a run dies at one commit in one way, is run again, and is held against the model."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.histories.history import KINDS, Death, Draw, Turn
from tests.histories.killing import WAYS
from tests.histories.library import Library
from tests.histories.world import Difference, Ground, World

EARLY = {"extract": 16, "conform": 14}
"""Stage → its commits' beginnings and ends, about; a point beyond the last kills nobody."""
LATE = {"link": 16, "reconcile": 12, "curate": 6, "publish": 2}


def deaths(seed: str, stages: dict[str, int], count: int) -> list[Death]:
    """Return ``count`` deaths: every point before any comes again, the plainest way most often."""
    chance = Random(f"{seed}/{'/'.join(stages)}")
    points = [(stage, point) for stage, last in stages.items() for point in range(last)]
    chance.shuffle(points)
    ways = ("exception", "kill -9", "exception", "engine", "exception", "kill -9", "exception", "database")
    return [Death(*points[n % len(points)], ways[(n + n // len(points)) % len(ways)]) for n in range(count)]


def live_alone(ground: Ground, seed: str, count: int, say: Callable[[str], None], kinds: Sequence[str] = KINDS) -> int:
    """Let runs die ``count`` times; return how many differences were found."""
    late = count // 3 if len(kinds) > 1 else 0
    chosen = deaths(seed, EARLY, count - late)
    died: Counter[tuple[str, str]] = Counter()
    found = 0
    for place, kind in enumerate(kinds):
        own = chosen[place :: len(kinds)]
        found += _live_early(ground, seed, kind, own, died, say) if own else 0
    found += _live_late(ground.outbox.parent, seed, deaths(seed, LATE, late), died, say) if late else 0
    _show(died, say)
    return found


def _live_early(
    ground: Ground, seed: str, kind: str, own: list[Death], died: Counter[tuple[str, str]], say: Callable[[str], None]
) -> int:
    """Let extract and conform of one kind of source die, a step each."""
    draw = Draw(kind, len(own), f"{seed}/alone")
    turns = [Turn(slots=drawn.slots, killed=(death,)) for drawn, death in zip(draw.timetable, own, strict=True)]
    histories = {n: draw.history(n) for n in range(1, 13)}
    world = World(ground, kind, f"{kind}_alone_{int(time.time())}", tuple(turns), histories, tell=say)
    return _told(kind, own, world.live(), world.deaths, world.failure, died, say)


def _live_late(
    folder: Path, seed: str, own: list[Death], died: Counter[tuple[str, str]], say: Callable[[str], None]
) -> int:
    """Let the stages from silver to the share die, a step each."""
    library, failure = Library(folder / "library", seed), ""
    try:
        for death in own:
            began = time.monotonic()
            library.take((death,))
            say(f"  {death.stage} {death.point} {death.way}: {time.monotonic() - began:.0f} s, "
                f"{len(library.differences)} differences")  # fmt: skip
    except Exception as error:  # whatever a stage raises is a difference: the model never fails
        failure = traceback.format_exc()
        library.differences.append(Difference(-1, library.steps, "the stages", "no error", str(error)))
    finally:
        library.close()
    return _told("library", own, library.differences, library.deaths, failure, died, say)


def _told(
    what: str,
    own: list[Death],
    found: list[Difference],
    deaths: list[tuple[str, str]],
    failure: str,
    died: Counter[tuple[str, str]],
    say: Callable[[str], None],
) -> int:
    """Say what came of some deaths; return how many differences."""
    died.update(deaths)
    say(f"alone, {what}: {len(own)} runs, {len(deaths)} deaths, {len(found)} differences")
    for difference in found[:5]:
        say(f"  {difference.history}: {difference}")
    if failure:
        say(failure[-1500:])
    return len(found)


def _show(died: Counter[tuple[str, str]], say: Callable[[str], None]) -> None:
    """Print the points by the ways in which runs died there."""
    points = sorted({point for point, _ in died})
    width = max((len(point) for point in points), default=5)
    say(f"{'point':{width}}  " + "  ".join(WAYS))
    for point in points:
        say(f"{point:{width}}  " + "  ".join(f"{died[point, way] or '':>{len(way)}}" for way in WAYS))
    say(f"{len(points)} points, {sum(died.values())} deaths")
