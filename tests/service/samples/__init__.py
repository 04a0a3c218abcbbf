"""Objects of a department for each scoped endpoint, one module a noun: what the authorisation matrix is tried on.

A module has `SAMPLES`: path template → function of the world and a department that makes an object, with its request.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.service.world import World


@dataclass(frozen=True)
class Sample:
    """A request that is sound for whoever may make it."""

    path: dict[str, Any]
    """Values of the path's places."""
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


Maker = Callable[[World, str], Sample]


def all_samples() -> dict[str, Maker]:
    """Return the makers of every module, by path template."""
    found: dict[str, Maker] = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        found |= importlib.import_module(f"tests.service.samples.{path.stem}").SAMPLES
    return found
