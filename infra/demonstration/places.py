"""Where invented people live and were first registered (行政区划), drawn from ``catalog/codes/division.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from catalog.model.codes import Code, load_code_list
from infra.demonstration.identifiers import IntArray, TextArray

HOME_PROVINCE = "51"
UNKNOWN_DIVISIONS = np.array(["519999", "990101", "510189", "000000"], dtype=object)
"""Six digits that no edition of the list has."""
_ROADS = ["演示路", "样本街", "示例大道", "测试巷", "模拟路", "虚构街"]


@dataclass(frozen=True)
class Places:
    """Counties as arrays: every one ever in force, and those of the home province in force now."""

    ever: IntArray
    first_year: IntArray
    last_year: IntArray
    current: TextArray

    def draw_origins(self, rng: np.random.Generator, birth_year: IntArray) -> IntArray:
        """Return a division of first registration for each birth year, in force in that year.

        Four in five lie in the home province.
        """
        home = np.flatnonzero(self.ever // 10000 == int(HOME_PROVINCE))
        chosen = np.full(len(birth_year), -1)
        open_ = np.arange(len(birth_year))
        while len(open_):
            near = rng.choice(home, len(open_))
            far = rng.integers(0, len(self.ever), len(open_))
            chosen[open_] = np.where(rng.random(len(open_)) < 0.8, near, far)
            year, at = birth_year[open_], chosen[open_]
            open_ = open_[(year < self.first_year[at]) | (year > self.last_year[at])]
        origins: IntArray = self.ever[chosen]
        return origins

    def draw_current(self, rng: np.random.Generator, count: int) -> TextArray:
        """Return divisions of the home province that are in force."""
        return rng.choice(self.current, count)


@lru_cache(maxsize=1)
def load_places() -> Places:
    """Return the counties of the code list; prefectures, provinces and 市辖区 are nobody's address."""
    counties = [c for c in load_code_list("division").codes if c.code[:2] < "71" and c.code[4:] not in ("00", "01")]
    current = [c.code for c in counties if c.code.startswith(HOME_PROVINCE) and not c.valid_to]
    return Places(
        ever=np.array([int(c.code) for c in counties]),
        first_year=np.array([_year(c.valid_from, 0) for c in counties]),
        last_year=np.array([_year(c.valid_to, 9999) for c in counties]),
        current=np.array(current, dtype=object),
    )


def _year(iso: str, otherwise: int) -> int:
    return int(iso[:4]) if iso else otherwise


@lru_cache(maxsize=1)
def division_names() -> dict[str, str]:
    """Return the name of each division."""
    codes: tuple[Code, ...] = load_code_list("division").codes
    return {code.code: code.name for code in codes}


def draw_addresses(rng: np.random.Generator, division: TextArray) -> TextArray:
    """Return invented addresses, one in each division."""
    names = pd.Series(division).map(division_names()).to_numpy(dtype=object)
    count = len(division)
    roads = rng.choice(np.array(_ROADS, dtype=object), count)
    numbers = rng.integers(1, 999, (count, 3))
    lines = zip(names, roads, numbers.tolist(), strict=True)
    return np.array([f"{name}{road}{a}号{b % 20 + 1}栋{c}室" for name, road, (a, b, c) in lines], dtype=object)
