"""The embedded stack (内嵌运行栈): PostgreSQL, Spark Connect, Airflow, the exchange service, started and watched by us.

``up``, ``down``, ``read_status``, ``is_running`` and ``ensure_supervisor`` are what other parts of the project call.
"""

from infra.stack.control import (
    Stack,
    down,
    ensure_supervisor,
    is_running,
    read_status,
    up,
)
from infra.stack.errors import StackError
from infra.stack.settings_file import update_settings

__all__ = [
    "Stack",
    "StackError",
    "down",
    "ensure_supervisor",
    "is_running",
    "read_status",
    "up",
    "update_settings",
]
