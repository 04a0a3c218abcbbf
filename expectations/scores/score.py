"""From A and B to a grade (评分合成): indicators to dimensions to one score, leaving out what cannot be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from expectations.scores.scheme import Dimension, Grade, Indicator, Scheme


@dataclass(frozen=True)
class Measured:
    """A and B of one indicator, or why there are none."""

    a: int | None = None
    b: int | None = None
    not_evaluable: str | None = None

    def __post_init__(self) -> None:
        if (self.not_evaluable is None) == (self.a is None or self.b is None):
            raise ValueError("an indicator has A and B, or a reason why not")
        if self.a is not None and self.b is not None and not 0 <= self.a <= self.b > 0:
            raise ValueError(f"A = {self.a} of B = {self.b}")


Indicators = Mapping[str, Measured]


def part(a: int, b: int, otherwise: str) -> Measured:
    """Return A of B, A brought between 0 and B; ``otherwise`` says why where B is nothing.

    >>> part(3, 4, "NO_ROWS"), part(-1, 4, "NO_ROWS").a, part(0, 0, "NO_ROWS").not_evaluable
    (Measured(a=3, b=4, not_evaluable=None), 0, 'NO_ROWS')
    """
    return Measured(min(max(a, 0), b), b) if b > 0 else Measured(not_evaluable=otherwise)


def quality_of(indicator: Indicator, measured: Measured) -> float | None:
    """Return the share that is right, between 0 and 1; None where it cannot be evaluated."""
    if measured.a is None or not measured.b:
        return None
    share = measured.a / measured.b
    return 1 - share if indicator.inverse else share


@dataclass(frozen=True)
class Score:
    """The scores of one subject."""

    scheme: Scheme
    measured: Indicators

    def of_dimension(self, dimension: Dimension) -> float | None:
        """Return the weighted mean of the dimension's evaluable indicators; None where there is none."""
        return _mean((quality_of(i, self.measured[i.name]), i.weight) for i in dimension.indicators)

    @property
    def overall(self) -> float | None:
        """The weighted mean of the evaluable dimensions; None where there is none."""
        return _mean((self.of_dimension(d), d.weight) for d in self.scheme.dimensions)

    @property
    def evaluable(self) -> int:
        """How many indicators have A and B."""
        return sum(m.not_evaluable is None for m in self.measured.values())

    @property
    def bad_share(self) -> float | None:
        """The share of its rows that are bad; None where no rows were delivered."""
        measured = self.measured[self.scheme.bad_rows.indicator]
        return None if measured.a is None or not measured.b else measured.a / measured.b

    @property
    def grade(self) -> Grade | None:
        """The grade, or None where nothing could be evaluated.

        A bad dimension holds it down, and so does the share of bad rows, whatever the rest.
        """
        overall, bad = self.overall, self.bad_share
        if overall is None:
            return None
        grades = self.scheme.grades
        worst = min(value for d in self.scheme.dimensions if (value := self.of_dimension(d)) is not None)
        best = grades.index(self.scheme.grade_of(worst)) - self.scheme.grades_above_worst_dimension
        bound = 0 if bad is None else grades.index(self.scheme.best_with(bad))
        return grades[max(best, bound, grades.index(self.scheme.grade_of(overall)))]


def together(scheme: Scheme, parts: Iterable[Indicators]) -> dict[str, Measured]:
    """Return the indicators of several subjects as of one: A and B added up; the reason stays where nobody has any."""
    subjects = list(parts)
    found: dict[str, Measured] = {}
    for name in scheme.indicators:
        members = [subject[name] for subject in subjects]
        known = [(m.a, m.b) for m in members if m.a is not None and m.b is not None]
        if known:
            found[name] = Measured(sum(a for a, _ in known), sum(b for _, b in known))
        else:
            reason = next((m.not_evaluable for m in members if m.not_evaluable), "NO_ROWS")
            found[name] = Measured(not_evaluable=reason)
    return found


def _mean(values: Iterable[tuple[float | None, float]]) -> float | None:
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if known else None
