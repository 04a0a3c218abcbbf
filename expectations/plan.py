"""The plan of a check (检查计划): which expectations, on which rows, as one Great Expectations suite."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from catalog.model.contract import Contract
from catalog.model.errors import GuantongError
from expectations.gx import ConditionColumn, Expectation, ExpectationSuite
from expectations.rule import MANDATORY

LIVE = ConditionColumn("_is_deleted") == False  # noqa: E712 - builds GX's row condition
"""Tombstones (已删除记录) are judged by their keys only."""


class SuiteRefusedError(GuantongError):
    """A suite (规则集) that could not stop anything, or says two things under one name."""

    code = "SUITE_REFUSED"


@dataclass(frozen=True)
class Plan:
    """A suite that passed its own inspection."""

    contract: Contract
    suite: ExpectationSuite
    live_only: bool
    """Whether the table keeps tombstones, so that most rules look at live rows only."""
    seals: tuple[str, ...]
    """What each rule was when the plan was inspected, in the suite's order."""

    @property
    def is_unchanged(self) -> bool:
        """Whether the suite still is what was inspected; GX's expectations can be written to."""
        return tuple(seal_of(rule) for rule in self.suite.expectations) == self.seals

    @property
    def rules(self) -> list[Expectation]:
        """The expectations, in the suite's order."""
        return list(self.suite.expectations)


def make_plan(contract: Contract, expectations: list[Expectation], *, live_only: bool) -> Plan:
    """Return the plan for ``expectations``, or refuse it.

    Raises:
        SuiteRefusedError: for an empty suite, a rule without meta or with another's id, a lenient, unanchored or
            dispensable mandatory rule, or an expectation that GX left out of the suite.
    """
    place = f"suite of {contract.id}"
    if not expectations:
        raise SuiteRefusedError("the suite is empty", place=place, remedy="a contract with columns always has rules")
    seen: set[str] = set()
    for expectation in expectations:
        _inspect(expectation, seen, place)
    suite = ExpectationSuite(name=contract.id, expectations=expectations)
    if len(suite.expectations) != len(expectations):
        raise SuiteRefusedError(
            f"GX accepted {len(suite.expectations)} of {len(expectations)} expectations",
            place=place,
            remedy="see the log for the configuration it refused",
        )
    return Plan(contract, suite, live_only, tuple(seal_of(rule) for rule in suite.expectations))


def seal_of(expectation: Expectation) -> str:
    """Return a hash of what a rule demands and how much it weighs; its words may change without changing it."""
    said = expectation.configuration.to_json_dict()
    meta = said.get("meta") or {}
    weight = [meta.get(name) for name in ("rule_id", "version", "severity", "on_empty")]
    return hashlib.sha256(json.dumps([said["type"], said["kwargs"], weight], sort_keys=True).encode()).hexdigest()[:16]


def _inspect(expectation: Expectation, seen: set[str], place: str) -> None:
    meta = expectation.meta or {}
    rule_id = meta.get("rule_id")
    if not rule_id or not {"severity", "indicator", "zh", "en", "department"} <= meta.keys():
        raise SuiteRefusedError(
            f"{type(expectation).__name__} does not say which rule it is",
            place=place,
            remedy="give it Rule(…).arguments",
        )
    if rule_id in seen:
        raise SuiteRefusedError(f"two rules are called {rule_id}", place=place, remedy="rule ids are unique")
    seen.add(rule_id)
    is_mandatory = meta["severity"] in MANDATORY
    if getattr(expectation, "mostly", 1) != 1 and is_mandatory:
        raise SuiteRefusedError(
            f"rule {rule_id} is mandatory, yet tolerates failures (mostly={expectation.mostly})",
            place=place,
            remedy="a mandatory rule holds for every row; lower its severity to warn, or drop mostly",
        )
    if getattr(expectation, "may_be_absent", False) and is_mandatory:
        raise SuiteRefusedError(
            f"rule {rule_id} is mandatory, yet does without the table that it asks (may_be_absent)",
            place=place,
            remedy="a mandatory rule is always evaluated; lower its severity to warn, or drop may_be_absent",
        )
    for regex in _patterns(expectation) if is_mandatory else []:
        if not _is_anchored(regex):
            raise SuiteRefusedError(
                f"the pattern of rule {rule_id} is open: {regex}",
                place=place,
                remedy=r"write \A…\z, and [0-9] for digits: $ admits a trailing newline, \d full-width digits",
            )


def _patterns(expectation: Expectation) -> list[str]:
    """Return the patterns that a value has to match, of one or of several."""
    given = [getattr(expectation, "regex", None), *(getattr(expectation, "regex_list", None) or [])]
    return [regex for regex in given if isinstance(regex, str)]


def _is_anchored(regex: str) -> bool:
    r"""Tell whether a pattern is closed on both sides, for each of its alternatives, and ASCII only.

    >>> _is_anchored(r"\A[0-9]{17}[0-9X]\z"), _is_anchored(r"^\d{18}$"), _is_anchored(r"\A\w+\z")
    (True, False, False)
    >>> _is_anchored(r"\A(?:A|B)\z"), _is_anchored(r"\A[0-9]{15}|[0-9]{18}\z")
    (True, False)
    """
    closed = regex.startswith(r"\A") and regex.endswith(r"\z") and not regex.endswith(r"\\z")
    return closed and not any(token in regex for token in (r"\d", r"\w")) and not _has_open_alternative(regex)


def _has_open_alternative(regex: str) -> bool:
    depth = 0
    for character in re.sub(r"\\.|\[[^\]]*\]", "", regex):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            return True
    return False
