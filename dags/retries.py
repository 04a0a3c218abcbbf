"""How often a task is tried again (重试), the same for every DAG."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(hours=2),
}
"""A task outlives a restart of the database, the Spark server or the scheduler: about a minute of patience."""
