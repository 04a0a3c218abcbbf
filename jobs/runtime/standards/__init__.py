"""Standardising rules as Spark column expressions (标准化规则): no Python runs per row.

Each rule turns a raw text column into an :class:`Outcome`. They are held equal to the pure functions of
``catalog.model.ids`` by tests.
"""

from __future__ import annotations

from jobs.runtime.standards.outcome import Outcome
from jobs.runtime.standards.registry import standardise

__all__ = ["Outcome", "standardise"]
