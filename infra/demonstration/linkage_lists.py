"""Two lists of the same invented people, written differently, with the key to who is who (关联示范名单).

A department that does not check numbers lists people whom 公安 knows, and strangers: names in other characters, birth
dates with exchanged digits, divisions under an earlier code, addresses reworded, numbers missing or wrong. Nothing of
it enters the demonstration's pipeline; it is what linking is measured on.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from catalog.model.codes import load_code_list
from infra.demonstration.identifiers import with_wrong_check
from infra.demonstration.names import draw_other_name, spell_otherwise
from infra.demonstration.persons import draw_phones
from infra.demonstration.places import draw_addresses, load_places
from infra.demonstration.world import World

COLUMNS = ["record_no", "citizen_id", "name", "sex_code", "birth_date", "division_code", "address", "phone"]
SHARES = {
    "name_variant": 0.15, "birth_exchanged": 0.04, "birth_digit": 0.02, "earlier_division": 0.05, "reworded": 0.3,
    "moved": 0.08, "phone_missing": 0.4, "phone_changed": 0.1, "sex_missing": 0.05,
    "key_missing": 0.4, "key_wrong": 0.1, "key_old": 0.05,
}  # fmt: skip
"""Fault → share of the second list's records that have it, each independent of the others."""
STRANGERS = 0.15
"""Share of the second list whom the first does not know."""
TWINS = 0.01
"""Share of the strangers who are an unlisted twin: same birth date, home and telephone, another given name."""
_NUMERALS = str.maketrans("0123456789", "零一二三四五六七八九")


@dataclass(frozen=True)
class LinkageLists:
    """Both lists and the truth."""

    library: pd.DataFrame
    new: pd.DataFrame
    truth: list[tuple[int, int]]
    """Row numbers (new, library) of the same person, from 1."""


def make_lists(seed: int, people: int, share: float = 0.3) -> LinkageLists:
    """Return a library of about ``people`` and a second list of about ``share`` of them.

    Args:
        seed: source of chance.
        people: how many the library holds.
        share: size of the second list.
    """
    world = World(seed, people / 50_000, date(2026, 3, 2))
    world.step()
    known = world.population.people
    known = known[known["live"] & (known["fault"] == "")].reset_index(drop=True)
    known["birth_date"] = [f"{n[6:10]}-{n[10:12]}-{n[12:14]}" for n in known["citizen_id"]]
    rng = np.random.default_rng([seed, 7])
    chosen = rng.choice(len(known), round(len(known) * share), replace=False)
    stranger = rng.random(len(chosen)) < STRANGERS
    unlisted = chosen[stranger & (rng.random(len(chosen)) >= TWINS)]
    library = known[~known.index.isin(unlisted)].reset_index(drop=True)
    rows = [_written(rng, known.loc[at].to_dict(), bool(odd)) for at, odd in zip(chosen, stranger, strict=True)]
    new = pd.DataFrame(rows)
    new["record_no"] = np.arange(1, len(new) + 1)
    rows_of = {number: row for row, number in enumerate(library["record_no"], start=1)}
    numbers = known.loc[chosen, "record_no"]
    truth = [(i + 1, rows_of[n]) for i, (n, odd) in enumerate(zip(numbers, stranger, strict=True)) if not odd]
    return LinkageLists(library[COLUMNS], new[COLUMNS], truth)


def write_lists(folder: Path, lists: LinkageLists) -> None:
    """Write ``library.csv``, ``new.csv`` and ``truth.csv`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    lists.library.to_csv(folder / "library.csv", index=False)
    lists.new.to_csv(folder / "new.csv", index=False)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("new_row", "library_row"))
        writer.writerows(lists.truth)


def _written(rng: np.random.Generator, person: dict[str, object], is_stranger: bool) -> dict[str, object]:
    """Return one person as the second department writes them; a stranger is a twin of the one given, or unlisted."""
    row = {column: str(person[column]) for column in COLUMNS}
    if is_stranger:
        row["name"] = draw_other_name(rng, row["name"])
        row["citizen_id"] = ""
    has = {fault: rng.random() < share for fault, share in SHARES.items()}
    if has["name_variant"]:
        row["name"] = spell_otherwise(rng, row["name"])
    if has["birth_exchanged"]:
        row["birth_date"] = _exchanged(rng, row["birth_date"])
    elif has["birth_digit"]:
        row["birth_date"] = _changed_digit(rng, row["birth_date"])
    _move(rng, row, has)
    if has["phone_missing"]:
        row["phone"] = ""
    elif has["phone_changed"]:
        row["phone"] = str(draw_phones(rng, 1)[0])
    if has["sex_missing"]:
        row["sex_code"] = ""
    if has["key_missing"]:
        row["citizen_id"] = ""
    elif row["citizen_id"] and has["key_wrong"]:
        row["citizen_id"] = with_wrong_check(row["citizen_id"], "0123456789X")
    elif has["key_old"] and row["citizen_id"][6:8] == "19":
        row["citizen_id"] = row["citizen_id"][:6] + row["citizen_id"][8:17]
    return dict(row)


def _move(rng: np.random.Generator, row: dict[str, str], has: dict[str, bool]) -> None:
    """Reword the address, put it under an earlier division code, or give another."""
    earlier = _predecessors().get(row["division_code"])
    if has["moved"]:
        division = load_places().draw_current(rng, 1)
        row["division_code"], row["address"] = str(division[0]), str(draw_addresses(rng, division)[0])
    elif has["earlier_division"] and earlier:
        row["division_code"] = earlier
    elif has["reworded"]:
        road, _, rest = row["address"].partition("号")
        row["address"] = rng.choice([f"四川省{row['address']}", f"{road}号", f"{road} 号{rest.translate(_NUMERALS)}"])


@lru_cache(maxsize=1)
def _predecessors() -> dict[str, str]:
    """Return division → a retired code that it succeeded."""
    return {c.successor: c.code for c in load_code_list("division").codes if c.kind == "canonical" and c.successor}


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _exchanged(rng: np.random.Generator, birth: str) -> str:
    """Return a real date that arises when two neighbouring digits change places, else the one given."""
    digits = birth.replace("-", "")
    swapped = [digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :] for i in range(2, 7)]
    fit = [t for t in (f"{s[:4]}-{s[4:6]}-{s[6:]}" for s in swapped) if _is_date(t) and t != birth]
    return str(rng.choice(fit)) if fit else birth


def _changed_digit(rng: np.random.Generator, birth: str) -> str:
    """Return a real date that differs in the last digit of year, month or day."""
    at = int(rng.choice([3, 6, 9]))
    fit = [t for t in (birth[:at] + d + birth[at + 1 :] for d in "0123456789") if _is_date(t) and t != birth]
    return str(rng.choice(fit)) if fit else birth
