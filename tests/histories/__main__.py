"""``python -m tests.histories``: draw histories, live them beside the model, reduce what differs (make prove)."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from catalog.model.settings import home_folder
from tests.histories.history import KINDS, Draw, History, shown, smaller
from tests.histories.world import Difference, Ground, World, histories_of


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", default=datetime.now(UTC).strftime("%Y%m%d%H%M%S"))
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    ground = Ground(home_folder() / "histories" / f"{datetime.now(UTC):%H%M%S}")
    for kind in options.kinds:
        draw = Draw(kind, options.steps, str(options.seed))
        histories = {n: draw.history(n) for n in range(1, options.histories + 1)}
        began = time.monotonic()
        world = World(ground, kind, f"{kind}_{datetime.now(UTC):%d%H%M%S}", draw.timetable, histories)
        found = world.live()
        print(f"{kind}: {len(histories)} histories, {options.steps} steps, {time.monotonic() - began:.0f} s, "
              f"{len(found)} differences in {len(histories_of(found))} histories; deaths {world.deaths}")
        for d in found[:8]:
            print("   ", d.history, d)
    return 0


if __name__ == "__main__":
    sys.exit(main())
