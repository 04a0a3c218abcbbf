"""How quality is scored (评分方案): dimensions, indicators, weights, grades of ``catalog/quality/scores.yml``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

SCORES = CHECKOUT / "catalog" / "quality" / "scores.yml"


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Block):
    """A text in two languages."""

    zh: str
    en: str


class Indicator(_Block):
    """One indicator: X = A / B."""

    name: str
    en: str
    weight: float = Field(gt=0)
    """Within its dimension."""
    inverse: bool = False
    """Whether A counts what is wrong, so that less is better."""
    a: str
    b: str


class Dimension(_Block):
    """One dimension with its indicators."""

    name: str
    en: str
    weight: float = Field(gt=0)
    indicators: tuple[Indicator, ...] = Field(min_length=1)


class Grade(_Block):
    """One grade: a score at or above ``from`` has it."""

    name: str
    en: str
    least: float = Field(alias="from", ge=0, le=1)


class BadRowBound(_Block):
    """The largest share of bad rows with which a subject may still have a grade."""

    grade: str
    share: float = Field(gt=0, le=1)
    reason: str = Field(min_length=1)


class BadRows(_Block):
    """How the share of bad rows bounds the grade (坏行占比与等级上限)."""

    indicator: str
    """Whose A counts bad rows of B."""
    at_most: tuple[BadRowBound, ...]


class Scheme(_Block):
    """The whole file."""

    citation: str
    dimensions: tuple[Dimension, ...]
    grades: tuple[Grade, ...] = Field(min_length=5, max_length=5)
    grades_above_worst_dimension: int = Field(ge=0)
    bad_rows: BadRows
    faults: tuple[tuple[str, str], ...]
    not_evaluable: dict[str, Words]

    @model_validator(mode="after")
    def _is_whole(self) -> Scheme:
        names = [i.name for d in self.dimensions for i in d.indicators]
        if len(names) != len(set(names)):
            raise ValueError("an indicator stands twice")
        if strange := {indicator for _, indicator in self.faults} - set(names):
            raise ValueError(f"faults name unknown indicators: {', '.join(sorted(strange))}")
        bounds = [grade.least for grade in self.grades]
        if bounds != sorted(bounds, reverse=True) or bounds[-1] != 0:
            raise ValueError("grades go from the best to the worst, and the worst begins at 0")
        shares = [bound.share for bound in self.bad_rows.at_most]
        if [bound.grade for bound in self.bad_rows.at_most] != [grade.name for grade in self.grades]:
            raise ValueError("bad_rows names every grade once, from the best to the worst")
        if shares != sorted(set(shares)) or shares[-1] != 1 or self.bad_rows.indicator not in names:
            raise ValueError("shares of bad rows rise from grade to grade up to 1, and their indicator is known")
        return self

    @property
    def indicators(self) -> dict[str, Indicator]:
        """Indicator by name, in the standard's order."""
        return {i.name: i for d in self.dimensions for i in d.indicators}

    def fault_of(self, reason: str) -> str | None:
        """Return the indicator that a reason code speaks against, or None when it speaks against none."""
        return next((indicator for pattern, indicator in self.faults if fnmatchcase(reason, pattern)), None)

    def grade_of(self, score: float) -> Grade:
        """Return the grade of a score between 0 and 1."""
        return next(grade for grade in self.grades if score >= grade.least)

    def best_with(self, bad_share: float) -> Grade:
        """Return the best grade that a subject with this share of bad rows may have."""
        bounds = zip(self.grades, self.bad_rows.at_most, strict=True)
        return next(grade for grade, bound in bounds if bad_share <= bound.share)


@lru_cache
def load_scheme(path: Path = SCORES) -> Scheme:
    """Return the scheme.

    Raises:
        ContractError: when the file contradicts itself.
    """
    try:
        return Scheme.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ContractError(str(error), place=str(path), remedy="see expectations/scores/scheme.py") from error
