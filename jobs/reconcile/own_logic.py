"""Logic that a base library has of its own (专有规则): ``jobs/reconcile/<domain>/<resource>.py``, where it exists."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from datetime import date
from pathlib import Path
from types import ModuleType

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.layers import statement_of
from jobs.reconcile.affected import InputVersion
from jobs.runtime import delta


def _module(contract: Contract) -> ModuleType | None:
    name = f"jobs.reconcile.{contract.domain}.{contract.name}"
    try:
        return importlib.import_module(name) if importlib.util.find_spec(name) else None
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            return None
        raise


def digest(contract: Contract) -> str | None:
    """Return a hash of the library's own module and of the files that it says it depends on; None without one."""
    module = _module(contract)
    if module is None:
        return None
    found = hashlib.sha256(inspect.getsource(module).encode())
    for path in getattr(module, "depends_on", ()):
        found.update(Path(path).read_bytes())
    return found.hexdigest()


def extra_flags(contract: Contract, business_date: date) -> list[Column]:
    """Return the flags that only this library knows."""
    module = _module(contract)
    return module.extra_flags(business_date) if module else []


def record_keys(spark: SparkSession, contract: Contract, inputs: list[InputVersion]) -> DataFrame | None:
    """Return the key that the library's own module gives each record of its inputs, or None where they carry it.

    Returns:
        ``_keyed_source``, ``_record_key`` and the key under its own name.

    Raises:
        LookupError: the contract promises a module that is not there.
    """
    spec = reconcile_of(contract)
    if spec.keyed_by == "column":
        return None
    module = _module(contract)
    if module is None:
        raise LookupError(f"{contract.id} is keyed by own logic, and jobs/reconcile has none")
    said = delta.read(spark, statement_of(contract)).select("source", "record_key", "entity_key").distinct()
    known = {(row["source"], row["record_key"]): row["entity_key"] for row in said.collect()}
    given = module.register_keys(spark, inputs, known)
    return spark.createDataFrame(given, f"_keyed_source string, _record_key string, `{spec.key}` string")


def with_key(rows: DataFrame, source: Contract, keys: DataFrame | None) -> DataFrame:
    """Return silver ``rows`` of ``source`` with the library's key, where they do not carry it themselves."""
    if keys is None:
        return rows
    own = keys.where(F.col("_keyed_source") == source.id).drop("_keyed_source")
    return rows.join(F.broadcast(own), "_record_key")


def turned_between(contract: Contract, previous: date, business_date: date) -> Column | None:
    """Return which rows change by the calendar alone, or None when none do."""
    module = _module(contract)
    return module.turned_between(previous, business_date) if module else None
