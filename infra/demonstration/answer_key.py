"""The answer key (标准答案): what was planted where. The pipeline never reads it; the summary and the tests do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infra.demonstration.identifiers import TextArray
from infra.demonstration.sizes import Sizes

Corruption = Callable[[np.random.Generator, "pd.Series[Any]"], dict[str, Any]]
"""Takes a true row, returns the columns to send instead."""


@dataclass(frozen=True)
class Planted:
    """One fault planted in one record, or in one delivery."""

    kind: str
    resource: str
    dataset: str
    record_key: str
    """The record's number in its source; a file's name for faults of a delivery."""
    day: int
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Planter:
    """Plants faults and keeps the key to them."""

    rng: np.random.Generator
    sizes: Sizes
    planted: list[Planted] = field(default_factory=list)

    def note(self, kind: str, resource: str, dataset: str, record_key: object, **detail: object) -> None:
        """Add one line to the key."""
        entry = Planted(kind, resource, dataset, str(record_key), self.sizes.day, dict(detail))
        self.planted.append(entry)

    def plant(
        self,
        table: pd.DataFrame,
        corruptions: dict[str, Corruption],
        *,
        resource: str,
        dataset: str,
        key: str,
        among: dict[str, TextArray],
    ) -> None:
        """Corrupt rows of ``table`` in place, each by exactly one kind.

        Args:
            table: rows to be sent, with a column ``fault`` that is empty where nothing is planted yet.
            corruptions: kind → what to send instead.
            resource: id of the contract.
            dataset: table or file group of the department.
            key: column with the record's number.
            among: kind → mask of rows fit for it; the entry ``""`` serves every other kind.
        """
        wanted = self.sizes.faults(resource)
        for kind, corrupt in corruptions.items():
            fit = among.get(kind, among[""]) & (table["fault"] == "").to_numpy()
            chosen = self.rng.choice(np.flatnonzero(fit), wanted[kind], replace=False)
            labels = table.index[np.sort(chosen)]
            for label in labels:
                sent = corrupt(self.rng, table.loc[label])
                true = {column: table.at[label, column] for column in sent}
                for column, value in sent.items():
                    table.at[label, column] = value
                self.note(kind, resource, dataset, table.at[label, key], sent=sent, true=true)
            table.loc[labels, "fault"] = kind


def key_path(home: Path, day: int) -> Path:
    """Return the place of a day's answer key."""
    return home / "answer_key" / f"day-{day}.jsonl"


def write_answer_key(home: Path, day: int, planted: Iterable[Planted]) -> Path:
    """Write a day's key, readable by its owner only, and return its path."""
    path = key_path(home, day)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = (json.dumps(asdict(entry), ensure_ascii=False, default=str) for entry in planted)
    text = "".join(f"{line}\n" for line in lines)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
    return path


def read_answer_key(home: Path, day: int) -> list[Planted]:
    """Return a day's key; empty when that day was never made."""
    path = key_path(home, day)
    if not path.is_file():
        return []
    return [Planted(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
