"""Proposed rules out of a YAML file (规则提案): what a rule should become, before it stands in contract or code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, Field, ValidationError

from catalog.model.contract import Strict
from catalog.model.errors import GuantongError
from expectations import custom, exact_type, relation  # noqa: F401 - a proposal may use their types
from expectations.gx import Expectation, ExpectationSuite
from expectations.plan import Plan, make_plan
from expectations.rule import Rule, Severity


class ProposalError(GuantongError):
    """A proposed rule (规则提案) cannot be read."""

    code = "RULE_PROPOSAL_INVALID"


class Proposal(Strict):
    """One proposed rule; what it leaves out it takes from the rule that it replaces."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    """Id as ``python -m expectations suite`` prints it; a new one adds a rule."""
    type: str | None = None
    """GX's name of the expectation, such as ``expect_column_values_to_be_between``."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Its arguments; for a rule that exists, those that change."""
    severity: Severity | None = None
    indicator: str | None = None
    zh: str | None = None
    en: str | None = None


def read_proposals(path: Path) -> list[Proposal]:
    """Return the proposals in ``path``, a YAML list.

    Raises:
        ProposalError: naming the file and what in it does not fit.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        proposals = [Proposal.model_validate(entry) for entry in found]
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise ProposalError(
            str(error), place=str(path), remedy="write a list of {rule, type, kwargs, severity, indicator, zh, en}"
        ) from error
    if not proposals:
        raise ProposalError("no rule is proposed", place=str(path), remedy="write at least one")
    return proposals


def proposed(plan: Plan, proposals: list[Proposal]) -> list[Expectation]:
    """Return the proposed rules as expectations, inspected like every rule.

    Raises:
        ProposalError: when a new rule says too little, or GX does not know its type or arguments.
        SuiteRefusedError: when the rule could not be one of a suite.
    """
    present = {rule.meta["rule_id"]: rule for rule in plan.rules}
    made = [_expectation(proposal, present.get(proposal.rule), plan) for proposal in proposals]
    return make_plan(plan.contract, made, live_only=plan.live_only).rules


def _expectation(proposal: Proposal, before: Expectation | None, plan: Plan) -> Expectation:
    said = before.configuration.to_json_dict() if before is not None else {"meta": {}, "kwargs": {}, "type": None}
    meta, kwargs = said["meta"], {**said["kwargs"], **proposal.kwargs}
    words = {name: getattr(proposal, name) or meta.get(name) for name in ("severity", "indicator", "zh", "en")}
    kind = proposal.type or said["type"]
    missing = [name for name, value in {**words, "type": kind}.items() if value is None]
    if missing:
        raise ProposalError(
            f"{proposal.rule} is no rule of {plan.contract.id}, so it must say {', '.join(missing)}",
            remedy=f"python -m expectations suite {plan.contract.id} lists the rules there are",
        )
    rule = Rule(
        proposal.rule,
        department=meta.get("department", plan.contract.government.department),
        on_empty=meta.get("on_empty", "warn"),
        version=int(meta.get("version", 0)) + 1,
        **words,
    )
    document = json.loads(json.dumps({"type": kind, "kwargs": kwargs, **rule.arguments}, default=str))
    try:
        return ExpectationSuite(name=rule.rule_id, expectations=[document]).expectations[0]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ProposalError(f"{proposal.rule}: GX does not accept {kind} with {kwargs}: {error}") from error
