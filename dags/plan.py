"""What each resource's DAG consists of (调度计划), derived from the contracts alone, without Airflow."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.model.contract import Contract
from catalog.model.layers import STAGES, stages_of, table_of
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

    contract: Contract
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


def plans(registry: Registry, *, real: bool) -> list[Plan]:
    """Return the plan of every resource, sources first.

    Args:
        registry: The contracts.
        real: Whether the contracts on real lists take part.
    """
    contracts = [contract for contract in registry.all() if real or contract.government.demonstration]
    ids = {contract.id for contract in contracts}
    inputs = {c.id: [source for source in registry.inputs_of(c) if source.id in ids] for c in contracts}
    order = list(STAGES)
    contracts.sort(key=lambda contract: (order.index(contract.government.layer), contract.id))
    return [
        _plan(contract, inputs[contract.id], _tasks_after(contract.id, contracts, inputs)) for contract in contracts
    ]


def _tasks_after(resource: str, contracts: list[Contract], inputs: dict[str, list[Contract]]) -> int:
    ways = [
        len(stages_of(user)) + _tasks_after(user.id, contracts, inputs)
        for user in contracts
        if resource in {source.id for source in inputs[user.id]}
    ]
    return max(ways, default=0)


def _plan(contract: Contract, inputs: list[Contract], tasks_after: int) -> Plan:
    layer = contract.government.layer
    cron = {"silver": contract.government.schedule, "base": FALLBACK_CRON, "gold": None}[layer]
    return Plan(
        contract=contract,
        stages=stages_of(contract),
        table=table_of(contract).name,
        inputs=tuple(table_of(c).name for c in inputs),
        cron=cron,
        tasks_after=tasks_after,
    )
