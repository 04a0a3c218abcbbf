"""The account of one run (运行总结): ``summary.json``, and one file per run below ``runs``.

``ok`` is decided here and nowhere else: :func:`shortcomings` lists every reason against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.run.account import Rows
from infra.run.faults import Verdict
from infra.run.reader import Reading
from infra.stack.home import write_private


@dataclass
class SourceReport:
    """What became of one real list."""

    read: int = 0
    accepted: int = 0
    set_aside: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether every row has its place."""
        return self.read == self.accepted + self.set_aside + self.rejected


@dataclass
class Summary:
    """Everything that a run has to say for itself."""

    run_id: str
    day: int
    business_date: str
    started_at: datetime
    tables: dict[str, Rows] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    """Stage of the pipeline → seconds of its tasks added up."""
    phases: dict[str, float] = field(default_factory=dict)
    """Phase of the run → seconds on the clock."""
    shares: list[dict[str, Any]] = field(default_factory=list)
    reading: Reading | None = None
    dags: dict[str, str] = field(default_factory=dict)
    """DAG → how it ended."""
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory_mb: int = 0
    restarts: dict[str, int] = field(default_factory=dict)
    real_data: dict[str, SourceReport] = field(default_factory=dict)
    lost_rows: list[str] = field(default_factory=list)
    """Batches that one stage accepted and the next did not read whole."""
    proved: dict[str, int] = field(default_factory=dict)
    """State → rows or keys that were held against each other and the ledger."""
    unproved: list[str] = field(default_factory=list)
    """What did not agree, or could not be compared."""

    def as_json(self) -> dict[str, Any]:
        """Return the summary as it is written."""
        reasons = shortcomings(self)
        return {
            "ok": not reasons,
            "shortcomings": reasons,
            "run_id": self.run_id,
            "day": self.day,
            "business_date": self.business_date,
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "tables": {name: asdict(rows) for name, rows in self.tables.items()},
            "faults": {kind: {"planted": v.planted, "found": v.found} for kind, v in self.verdicts.items()},
            "false_alarms": {kind: len(v.false_alarms) for kind, v in self.verdicts.items() if v.false_alarms},
            "missed": {kind: v.missing[:20] for kind, v in self.verdicts.items() if v.missing},
            "stages": {name: round(seconds, 1) for name, seconds in self.stages.items()},
            "phases": {name: round(seconds, 1) for name, seconds in self.phases.items()},
            "shares": self.shares,
            "reader": _reader(self.reading),
            "dags": self.dags,
            "failures": self.failures,
            "peak_memory_mb": self.peak_memory_mb,
            "restarts": self.restarts,
            "proved": self.proved,
            "real_data": {name: asdict(report) for name, report in self.real_data.items()},
        }


def _reader(reading: Reading | None) -> dict[str, Any]:
    if reading is None:
        return {"table": "", "rows": 0, "equal": False}
    told = {"table": reading.table, "rows": reading.rows, "equal": reading.equal}
    return told | ({"difference": reading.difference} if reading.difference else {})


def shortcomings(summary: Summary) -> list[str]:
    """Return every reason why the run is not in order; none means it is."""
    found = list(summary.failures)
    found += [f"{dag} ended as {state}" for dag, state in summary.dags.items() if state != "success"]
    if not summary.dags:
        found.append("no DAG ran")
    if not any(rows.read for rows in summary.tables.values()):
        found.append("no row was read")
    found += [f"the ledger of {name} does not balance" for name, rows in summary.tables.items() if not rows.balances]
    found += summary.lost_rows
    found += [f"the proof of the ledger differs: {what}" for what in summary.unproved]
    if not summary.proved:
        found.append("the ledger was not proved")
    found += _fault_shortcomings(summary.verdicts)
    if summary.reading is None:
        found.append("no shared table was read back")
    elif not summary.reading.equal:
        found.append(f"the recipient's {summary.reading.table} is not the gold table: {summary.reading.difference}")
    found += [f"rows of {name} are not all accounted for" for name, r in summary.real_data.items() if not r.balances]
    return found


def _fault_shortcomings(verdicts: Mapping[str, Verdict]) -> list[str]:
    found = []
    if not any(verdict.planted for verdict in verdicts.values()):
        found.append("no fault was planted, so none can be looked for")
    for kind, verdict in verdicts.items():
        if verdict.planted != verdict.found:
            found.append(f"{kind}: {verdict.planted} planted, {verdict.found} found")
        if verdict.false_alarms:
            found.append(f"{kind}: {len(verdict.false_alarms)} found where nothing was planted")
    return found


def write_summary(home: Path, summary: Summary) -> Path:
    """Write ``summary.json`` and the run's own file, each in one step; return the first."""
    text = json.dumps(summary.as_json(), ensure_ascii=False, indent=1) + "\n"
    runs = home / "runs"
    runs.mkdir(mode=0o700, exist_ok=True)
    write_private(runs / f"{summary.run_id}.json", text)
    path = home / "summary.json"
    write_private(path, text)
    return path


def new_run_id(day: int) -> str:
    """Return an id for a run of ``day``, rising with time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-day-{day}"
