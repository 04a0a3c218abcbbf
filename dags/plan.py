"""What each resource's DAG consists of (调度计划), derived from the contracts alone, without Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.model.contract_outline import Outline
from catalog.model.layers import STAGES
from catalog.model.registry import Registry

ZONE = "Asia/Shanghai"
FALLBACK_CRON = "30 8 * * *"
"""When base libraries are built at the latest, so that one silent source does not stop them for ever."""
DAILY_ROUND = "exchange.daily_round"
DAILY_ROUND_CRON = "5 0 * * *"
"""When the exchange catalogue looks at limits and terms: as soon as the official day has begun."""
NIGHTLY_PROOF = "lake.nightly_proof"
NIGHTLY_PROOF_CRON = "30 2 * * *"
"""When the tables are held against each other and the ledger: while nobody delivers."""


@dataclass(frozen=True)
class Plan:
    """One DAG: what it runs, what starts it, which table it brings up to date."""

    contract: Outline
    stages: tuple[str, ...]
    table: str
    """The table made, which is also the asset that the last task emits."""
    inputs: tuple[str, ...]
    """Tables that must all have been brought up to date before it starts."""
    cron: str | None
    """Clock time (Asia/Shanghai) at which it starts in any case."""
    tasks_after: int = 0
    """Tasks on the longest way from its last one to the last of all that is built from it."""

    @property
    def dag_id(self) -> str:
        """The DAG's id, which is the resource's."""
        return self.contract.id

    def priority(self, stage: str) -> int:
        """Return how urgent a task is: the tasks on the longest way from it to the end, itself included.

        Where tasks wait for a free slot, the longest way goes first, so that the short ones fill the gaps.
        """
        return self.tasks_after + len(self.stages) - self.stages.index(stage)


def plans(registry: Registry, *, real: bool, kept_in: Path | None = None) -> list[Plan]:
    """Return the plan of every resource whose contract can be used, sources first.

    Args:
        registry: The contracts.
        real: Whether the contracts on real lists take part.
        kept_in: Where outlines of the contracts are kept from one time to the next.
    """
    outlines = [outline for outline in registry.outlines(kept_in) if real or outline.is_demonstration]
    known = {outline.id: outline for outline in outlines}
    users: dict[str, list[Outline]] = {}
    for outline in outlines:
        for source in outline.inputs:
            users.setdefault(source, []).append(outline)
    tasks_after: dict[str, int] = {}
    order = list(STAGES)
    outlines.sort(key=lambda outline: (order.index(outline.layer), outline.id))
    return [_plan(outline, known, _tasks_after(outline.id, users, tasks_after)) for outline in outlines]


def _tasks_after(resource: str, users: dict[str, list[Outline]], known: dict[str, int]) -> int:
    if resource not in known:
        known[resource] = 0
        ways = [len(user.stages) + _tasks_after(user.id, users, known) for user in users.get(resource, [])]
        known[resource] = max(ways, default=0)
    return known[resource]


def _plan(contract: Outline, known: dict[str, Outline], tasks_after: int) -> Plan:
    cron = {"silver": contract.schedule, "base": FALLBACK_CRON, "gold": None}[contract.layer]
    return Plan(
        contract=contract,
        stages=contract.stages,
        table=contract.table,
        inputs=tuple(known[source].table for source in contract.inputs if source in known),
        cron=cron,
        tasks_after=tasks_after,
    )
