"""One line of the benchmarks."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """What one case measured; times are medians in seconds."""

    case: str
    peer: str
    ours: float
    theirs: float
    unit: str
    goal: float | None = None
    """Highest ratio that meets the goal; None where the ratio is only reported."""

    @property
    def ratio(self) -> float:
        """Ours over theirs; below one, we are quicker."""
        return self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the goal is met."""
        return None if self.goal is None else self.ratio <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Return the entry for ``bench.json``."""
        return {**asdict(self), "ratio": round(self.ratio, 4), "met": self.met}
