"""Who is who (部门): the departments of `catalog/departments.yml`, by id."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from catalog.model.errors import GuantongError
from catalog.model.settings import CHECKOUT

DEPARTMENTS = CHECKOUT / "catalog" / "departments.yml"


class DepartmentUnknownError(GuantongError):
    """No department has this id."""

    code = "DEPARTMENT_UNKNOWN"


class Department(BaseModel):
    """One department (部门)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    name_en: str
    uscc: str
    """统一社会信用代码, the provider's code in the catalogue (发改高技〔2017〕1272号)."""
    role: Literal["provider", "host"]
    """`host` is the authority that runs the exchange (数据主管部门)."""


@lru_cache(maxsize=4)
def load_departments(path: Path = DEPARTMENTS) -> dict[str, Department]:
    """Return the departments by id, in the order of the file."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {entry["id"]: Department.model_validate(entry) for entry in entries}


def get_department(department: str) -> Department:
    """Return one department.

    Raises:
        DepartmentUnknownError: when there is none of this id.
    """
    known = load_departments()
    if department not in known:
        raise DepartmentUnknownError(
            f"no department {department!r}", place=str(DEPARTMENTS), remedy=f"one of: {', '.join(known)}"
        )
    return known[department]
