"""Logic that a base library has of its own (专有规则): ``jobs/reconcile/<domain>/<resource>.py``, where it exists."""

from __future__ import annotations

import importlib.util
from datetime import date
from types import ModuleType

from pyspark.sql import Column

from catalog.model.contract import Contract


def _module(contract: Contract) -> ModuleType | None:
    name = f"jobs.reconcile.{contract.domain}.{contract.name}"
    try:
        return importlib.import_module(name) if importlib.util.find_spec(name) else None
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            return None
        raise


def extra_flags(contract: Contract, business_date: date) -> list[Column]:
    """Return the flags that only this library knows."""
    module = _module(contract)
    return module.extra_flags(business_date) if module else []


def turned_between(contract: Contract, previous: date, business_date: date) -> Column | None:
    """Return which rows change by the calendar alone, or None when none do."""
    module = _module(contract)
    return module.turned_between(previous, business_date) if module else None
