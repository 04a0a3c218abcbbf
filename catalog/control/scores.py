"""Scores as measured (质量评分记录): A and B of every indicator, once per subject and business date."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.quality_tables import QualityScore

AB = tuple[int | None, int | None, str | None]
"""A, B, or why not evaluable."""


def replace_score(
    session: Session, scope: str, subject: str, business_date: date, indicators: Mapping[str, AB]
) -> None:
    """Record the indicators of a resource, department or batch on a business date, replacing those measured before."""
    mine = [QualityScore.scope == scope, QualityScore.subject == subject, QualityScore.business_date == business_date]
    session.execute(delete(QualityScore).where(*mine))
    rows = [
        {
            "scope": scope,
            "subject": subject,
            "indicator": indicator,
            "a": a,
            "b": b,
            "not_evaluable": why,
            "business_date": business_date,
        }
        for indicator, (a, b, why) in indicators.items()
    ]
    session.execute(insert(QualityScore), rows)


def scores_of(session: Session, scope: str, subject: str, limit: int = 60) -> dict[date, dict[str, AB]]:
    """Return business date → indicator → A, B or why not, oldest first, of the latest ``limit`` days."""
    mine = [QualityScore.scope == scope, QualityScore.subject == subject]
    latest = select(QualityScore.business_date).where(*mine).distinct()
    days = list(session.scalars(latest.order_by(QualityScore.business_date.desc()).limit(limit)))
    found: dict[date, dict[str, AB]] = {day: {} for day in sorted(days)}
    for score in session.scalars(select(QualityScore).where(*mine, QualityScore.business_date.in_(days))):
        found[score.business_date][score.indicator] = (score.a, score.b, score.not_evaluable)
    return found
