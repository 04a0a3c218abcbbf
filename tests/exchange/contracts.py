"""Contracts of shared tables that tests invent, in force for the tests of one module."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from tests.exchange.people import PROVIDER

ELEMENT = "person_name"
"""The data element of every invented column that is given no other."""


def write_shared(
    folder: Path,
    resource: str,
    columns: Iterable[str],
    *,
    code: str,
    share: str = "unconditional",
    elements: Mapping[str, str] | None = None,
    **more: object,
) -> None:
    """Write the contract of a shared table of the provider, by the names of its columns."""
    domain, name = resource.split(".")
    names = list(columns)
    properties = [{"name": column, "businessName": f"信息项{column}"} for column in names]
    properties[0] |= {"primaryKey": True, "required": True}
    document = {
        "apiVersion": "v3.0.2", "kind": "DataContract", "id": resource, "name": name, "version": "1.0.0",
        "status": "active", "domain": domain, "description": {"purpose": f"{name}，测试共享表。"},
        "schema": [{"name": name, "businessName": name, "properties": properties}],
        "government": {
            "layer": "gold", "department": PROVIDER, "resource_code": code,
            "items": {column: {"element": (elements or {}).get(column, ELEMENT)} for column in names},
            "curate": {"input": "population.person"},
            "share": {
                "share": "trial", "type": share, "condition": "用于法定职责", "mode": ["table", "interface"], **more,
            },
        },
    }  # fmt: skip
    path = folder / domain / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


@contextmanager
def in_force(folder: Path) -> Iterator[None]:
    """Let this process know the contracts of a folder beside its own."""
    before = os.environ.get("RESOURCE_PATH", "")
    _use(str(folder))
    try:
        yield
    finally:
        _use(before)


def _use(folders: str) -> None:
    os.environ["RESOURCE_PATH"] = folders
    get_settings.cache_clear()
    get_registry.cache_clear()
