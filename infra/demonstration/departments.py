"""Who the invented departments are (部门), from ``catalog/departments.yml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import yaml

from catalog.model.settings import CHECKOUT

DEPARTMENTS = CHECKOUT / "catalog" / "departments.yml"


@dataclass(frozen=True)
class Department:
    """One department."""

    id: str
    name: str
    name_en: str
    uscc: str
    role: str


@lru_cache(maxsize=1)
def load_departments() -> dict[str, Department]:
    """Return the departments by id."""
    entries = yaml.safe_load(DEPARTMENTS.read_text(encoding="utf-8"))
    return {entry["id"]: Department(**entry) for entry in entries}
