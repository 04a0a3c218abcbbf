"""The lists behind 人社's interface (接口数据): JSON lines that the REST source serves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from infra.demonstration.insurance import EMPLOYER_COLUMNS, PERSON_COLUMNS, listed

LISTS = {"insured-persons": PERSON_COLUMNS, "insured-employers": EMPLOYER_COLUMNS}
"""Path of the interface → columns of an item."""


def list_path(home: Path, name: str) -> Path:
    """Return the file behind ``/v1/<name>``."""
    return home / "departments" / "human_resources" / f"{name}.jsonl"


def write_list(home: Path, name: str, table: pd.DataFrame) -> Path:
    """Write the current state of one list; readers see the old one or the new one, never a part."""
    path = list_path(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    listed(table, LISTS[name]).to_json(partial, orient="records", lines=True, force_ascii=False)
    partial.replace(path)
    return path
