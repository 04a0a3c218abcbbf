"""The stages by name (作业阶段), for the command line and for whatever schedules them."""

from __future__ import annotations

import importlib

from catalog.model.errors import GuantongError
from catalog.model.layers import stages_of
from catalog.model.registry import get_registry

FUNCTIONS = {
    "extract": ("jobs.extract.stage", "extract"),
    "conform": ("jobs.conform.stage", "conform"),
    "check": ("expectations.gate", "check"),
    "link": ("jobs.reconcile.linking.stage", "link_waiting"),
    "reconcile": ("jobs.reconcile.stage", "reconcile"),
    "curate": ("jobs.curate.stage", "curate"),
    "publish": ("jobs.publish.stage", "publish"),
}
"""Stage → module and function; imported when performed, so that help and errors come at once."""
LATER = ("pyspark.sql.connect.session", "expectations.evaluate", "expectations.report")
"""What stages import only when they come to it."""


class WrongStageError(GuantongError):
    """The resource's layer does not go through this stage."""

    code = "WRONG_STAGE"


def perform(stage: str, resource: str, batch: str | None = None, **options: bool) -> None:
    """Perform one stage of one resource.

    Args:
        stage: one of ``FUNCTIONS``.
        resource: ``domain.resource``.
        batch: only this batch; default all that are waiting.
        options: what a person allows this once, as the stage's function names it.

    Raises:
        WrongStageError: when ``resource`` does not go through ``stage``.
        GuantongError: whatever stopped the stage.
    """
    contract = get_registry().get(resource)
    if stage not in stages_of(contract):
        raise WrongStageError(
            f"{resource} is a {contract.government.layer} resource",
            place=f"python -m jobs {stage} --resource {resource}",
            remedy=f"its stages are {', '.join(stages_of(contract))}",
        )
    module, function = FUNCTIONS[stage]
    getattr(importlib.import_module(module), function)(resource, batch, **options)


def perform_all(resource: str, batch: str | None = None) -> None:
    """Perform all stages of the resource, in order."""
    for stage in stages_of(get_registry().get(resource)):
        perform(stage, resource, batch)


def load() -> None:
    """Import every stage and all it uses, so that processes forked from this one need not."""
    for module in (*(module for module, _ in FUNCTIONS.values()), *LATER):
        importlib.import_module(module)
