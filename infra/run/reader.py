"""Reading a shared table as its recipient does (接收验证), and holding it against the gold table row for row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from catalog.control.session import session_scope
from catalog.control.shares import list_share_versions
from catalog.control.tables import ShareVersion
from catalog.delta_log import newest_version
from catalog.model.layers import Table, absolute_uri
from catalog.model.registry import get_registry
from catalog.model.settings import Settings
from infra.recipient.boundary import RecipientError, load_table
from infra.stack import StackError

RESOURCE = "population.resident_basic"
TRIES = 5
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Reading:
    """What the recipient got, against what is there."""

    table: str
    rows: int
    equal: bool
    difference: str = ""


def read_back(settings: Settings, profile: Path, resource: str = RESOURCE) -> Reading:
    """Read ``resource`` with the official client and compare it with the gold table at the published version.

    Raises:
        StackError: when the table was not published, or the service does not answer.
    """
    trouble: RecipientError | None = None
    for _ in range(TRIES):
        _await_service(settings.require("service_url"))
        version = _served(settings, resource)
        try:
            received = _receive(profile, version)
        except RecipientError as error:
            trouble = error
            time.sleep(2)
            continue
        if _served(settings, resource).id == version.id:
            return compare(received, _gold(version), get_registry().get(resource).key, resource)
    raise StackError(
        f"the recipient could not read {resource}: {trouble.args[0] if trouble else 'it was published anew each time'}",
        place=str(profile),
        remedy="look at the log service.log",
    )


def _await_service(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if httpx.get(f"{address}/health", timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise StackError(
                    "the exchange service does not answer", place=address, remedy="see service.log"
                ) from error
        if time.monotonic() > deadline:
            raise StackError("the exchange service is not well", place=address, remedy="see service.log")
        time.sleep(1)


def _served(settings: Settings, resource: str) -> ShareVersion:
    with session_scope(settings.require("control_url")) as session:
        versions = list_share_versions(session, resource=resource, served_only=True)
    if not versions:
        raise StackError(f"{resource} was not published", place=resource, remedy="see the log of its task publish")
    return versions[0]


def _receive(profile: Path, version: ShareVersion) -> pd.DataFrame:
    frame: pd.DataFrame = load_table(profile, f"{version.share}.{version.schema_name}.{version.table_name}").to_pandas()
    return frame


def _gold(version: ShareVersion) -> pd.DataFrame:
    from deltalake import DeltaTable

    gold = Table(version.table_name, absolute_uri(version.table_uri))
    address = gold.local_path if gold.uri.startswith("file:") else gold.uri
    if gold.uri.startswith("file:"):
        newest_version(Path(address), gold.name, upto=version.delta_version)
    frame: pd.DataFrame = DeltaTable(address, version=version.delta_version).to_pyarrow_table().to_pandas()
    return frame


def compare(received: pd.DataFrame, gold: pd.DataFrame, key: list[str], table: str) -> Reading:
    """Compare two tables row for row and cell for cell, whatever order rows and columns come in.

    >>> one = pd.DataFrame({"id": ["b", "a"], "day": [date(2026, 3, 2), None]})
    >>> compare(one, one.iloc[::-1], ["id"], "t").equal
    True
    >>> compare(one, one.assign(day=None), ["id"], "t").difference
    'column day differs in 1 of 2 rows'
    """
    rows = len(received)
    if sorted(received.columns) != sorted(gold.columns):
        return Reading(table, rows, False, f"columns {sorted(received.columns)} against {sorted(gold.columns)}")
    if rows != len(gold):
        return Reading(table, rows, False, f"{rows} rows received, {len(gold)} in the gold table")
    if not rows:
        return Reading(table, rows, False, "there are no rows")
    mine, theirs = (_plain(frame).sort_values(key, ignore_index=True) for frame in (received, gold))
    for column in sorted(gold.columns):
        differing = int((mine[column] != theirs[column]).sum())
        if differing:
            return Reading(table, rows, False, f"column {column} differs in {differing} of {rows} rows")
    return Reading(table, rows, True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every cell as text, so that two libraries' types for one value compare equal; nothing stays apart."""
    return pd.DataFrame({column: [_text(value) for value in frame[column]] for column in frame.columns})


def _text(value: Any) -> str:  # noqa: ANN401 - a cell of any type
    if isinstance(value, (list, tuple)) or (hasattr(value, "tolist") and not pd.api.types.is_scalar(value)):
        return f"list:{[_text(item) for item in value]}"
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return "null:"
    if isinstance(value, (datetime, pd.Timestamp)):
        moment = pd.Timestamp(value)
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
        return f"moment:{moment.isoformat()}"
    if isinstance(value, date):
        return f"day:{value.isoformat()}"
    if isinstance(value, Decimal):
        return f"number:{value.normalize()}"
    if hasattr(value, "item"):
        return _text(value.item())
    return f"{type(value).__name__}:{value}"
