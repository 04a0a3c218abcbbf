"""Which day a task works for (业务日期): one rule for runs by hand, by clock and by asset."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from catalog.model.settings import home_folder, read_env_file
from dags.plan import ZONE


def choose_business_date(
    conf: Mapping[str, Any] | None,
    carried: Iterable[str],
    pinned: str | None,
    moment: datetime,
) -> date:
    """Return the business date of a task.

    Args:
        conf: What the run was triggered with; its ``business_date`` comes first.
        carried: Dates that the events of the input tables carry; the latest counts.
        pinned: The site's ``BUSINESS_DATE``, where its clock is set by hand.
        moment: When the run was due; its day in Asia/Shanghai is the last resort.

    Raises:
        ValueError: when one of them is no ISO date, or the one triggered with has come neither by the clock nor by
            the site's own.

    >>> moment = datetime.fromisoformat("2026-03-01T18:30:00+00:00")
    >>> choose_business_date({"business_date": "2026-02-01"}, ["2026-02-03"], None, moment).isoformat()
    '2026-02-01'
    >>> choose_business_date({}, ["2026-02-03", "2026-02-02"], "2026-02-20", moment).isoformat()
    '2026-02-03'
    >>> choose_business_date({}, [], "", moment).isoformat()
    '2026-03-02'
    """
    today = date.fromisoformat(pinned) if pinned else moment.astimezone(ZoneInfo(ZONE)).date()
    given = (conf or {}).get("business_date")
    if given:
        day = date.fromisoformat(str(given))
        latest = max(today, moment.astimezone(ZoneInfo(ZONE)).date())
        if day > latest:
            raise ValueError(f"{day} has not come yet, today is {latest}")
        return day
    days = [date.fromisoformat(text) for text in carried]
    if days:
        return max(days)
    return today


def pinned_date() -> str | None:
    """Return ``BUSINESS_DATE`` from the environment or the stack's ``env`` file, when one is set."""
    name = "BUSINESS_DATE"
    return os.environ.get(name) or read_env_file(home_folder() / "env").get(name)
