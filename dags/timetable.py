"""The timetable (调度时刻表): writes ``dags/README.md`` from the contracts.

python -m dags.timetable            write it
python -m dags.timetable --check    say whether it is up to date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalog.model.layers import STAGES
from catalog.model.registry import get_registry
from dags.plan import (
    DAILY_ROUND,
    DAILY_ROUND_CRON,
    FALLBACK_CRON,
    NIGHTLY_PROOF,
    NIGHTLY_PROOF_CRON,
    ZONE,
    Plan,
    plans,
)

README = Path(__file__).with_name("README.md")
_MINUTE, _HOUR = FALLBACK_CRON.split()[:2]

_HEAD = f"""# Timetable (调度时刻表)

When each resource is brought up to date. Written from the contracts in `catalog/resources` by
`python -m dags.timetable`; a test fails when it differs from what Airflow runs. Clock times are {ZONE}.

One contract is one DAG, and its id is the resource's. Every task is one command that also works in a shell:
`python -m jobs <stage> --resource <id>`. The last task of a DAG announces its table as an asset; what is built from the
table starts when **all** its input tables have been announced since its last run. Base libraries also start at
{int(_HOUR):02d}:{int(_MINUTE):02d} each day with whatever has arrived: a silent department does not stop them.

| layer | tasks |
|---|---|
{{stages}}

A failed task is tried four more times within about a minute. A DAG has one run at a time; missed days are not made up
for one by one, because each run takes everything that is new. The business date (业务日期) of a run is the
`business_date` it was triggered with, else the date that its input tables carry, else the setting `BUSINESS_DATE`, else
the day in {ZONE}.

| DAG | 名称 | department | layer | starts | makes |
|---|---|---|---|---|---|
{{rows}}

Resources marked † are real lists; they have a DAG only where `REAL_DATA` is set.

Two more DAGs belong to no resource. `{DAILY_ROUND}` (每日巡检) runs `python -m catalog clocks tick` at
`{DAILY_ROUND_CRON}`: limits that are near or over, grants whose term ends, entries whose source has changed.
`python -m infra serve` does the same when it starts. `{NIGHTLY_PROOF}` (账实核对) runs `python -m catalog ledger prove`
at `{NIGHTLY_PROOF_CRON}`: it fails when rows, records or keys are not where the ledger says.
"""


def starts(plan: Plan) -> str:
    """Return in words what starts a DAG."""
    after = "after " + ", ".join(f"`{table}`" for table in plan.inputs) if plan.inputs else ""
    clock = f"`{plan.cron}`" if plan.cron else ""
    return "; or ".join(part for part in (after, clock) if part) or "by hand"


def render(entries: list[Plan]) -> str:
    """Return the whole text of the timetable."""
    stages = "\n".join(f"| {layer} | {' → '.join(names)} |" for layer, names in STAGES.items())
    rows = "\n".join(_row(plan) for plan in entries)
    return _HEAD.format(stages=stages, rows=rows)


def _row(plan: Plan) -> str:
    contract = plan.contract
    mark = "" if contract.is_demonstration else " †"
    cells = [
        f"`{plan.dag_id}`{mark}",
        contract.business_name,
        contract.department,
        contract.layer,
        starts(plan),
        f"`{plan.table}`",
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str] | None = None) -> int:
    """Write the timetable, or with ``--check`` compare it."""
    parser = argparse.ArgumentParser(prog="python -m dags.timetable", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether README.md is up to date")
    check = parser.parse_args(arguments).check
    text = render(plans(get_registry(), real=True))
    if not check:
        README.write_text(text, encoding="utf-8")
        return 0
    if README.is_file() and README.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("dags/README.md is not up to date with the contracts: run `python -m dags.timetable`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
