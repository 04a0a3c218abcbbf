"""``python -m tests.histories``: histories against the model, and deaths at every commit (make prove)."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from contextlib import redirect_stderr
from datetime import UTC, datetime
from pathlib import Path

from catalog.model.settings import home_folder
from infra.stack import up
from infra.stack.home import Home
from infra.stack.spark_server import JAVA_OPTIONS, QUICK_SERVER
from tests.histories.history import KINDS


def main() -> int:
    """Prove what the command line asks for; return 1 where anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="in all, spread over the kinds of sources")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--alone", type=int, default=40, help="deaths, each before a look at the model")
    parser.add_argument("--points", action="store_true", help="every named point of every stage, by every way to die")
    parser.add_argument("--seed", default="", help="that of an earlier run goes on where it ended")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--rounds", type=int, default=6, help="rounds to make a counterexample smaller")
    parser.add_argument("--verbose", action="store_true", help="what the stages say, too")
    options = parser.parse_args()
    seed = options.seed or f"{datetime.now(UTC):%Y%m%d%H%M%S}"
    os.environ.setdefault(JAVA_OPTIONS, QUICK_SERVER)
    up(home=Home(home_folder()), table="infra.stack.table:engine")
    if options.verbose:
        return _prove(options, seed)
    with redirect_stderr(io.StringIO()):
        return _prove(options, seed)


def _prove(options: argparse.Namespace, seed: str) -> int:
    from jobs.runtime import stage
    from tests.histories.alone import live_alone
    from tests.histories.points import live_points
    from tests.histories.prove import Proof
    from tests.histories.world import Ground

    if not options.verbose:
        stage.console.quiet = True
    folder = home_folder() / "histories"
    ground = Ground(Path(folder, seed))
    began = time.monotonic()
    _say(f"seed {seed}")
    proof = Proof(
        ground, seed, options.histories, options.steps, options.kinds, folder / f"{seed}.json", options.rounds, _say
    )
    is_same = proof.run() if options.histories else True
    differing = live_alone(ground, seed, options.alone, _say) if options.alone else 0
    if options.points:
        differing += live_points(ground, seed, folder / f"{seed}-points.json", _say)
    lived = sum(int(str(entry["histories"])) for entry in proof.done.values())
    differences = sum(int(str(entry["differences"])) for entry in proof.done.values())
    _say(f"{lived} histories of {options.steps} steps, {differences} differences; {options.alone} deaths alone, "
         f"{differing} differences; {time.monotonic() - began:.0f} s; again: SEED={seed}")  # fmt: skip
    return 0 if is_same and not differing else 1


def _say(message: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
