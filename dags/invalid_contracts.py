"""The file by which Airflow shows contracts that cannot be used (契约有误): its import error names them.

The DAGs of all other contracts stand in ``dags/resources.py`` and are live; this file has no DAG of its own, and is
read without error when every contract is good.
"""

from __future__ import annotations

from catalog.model.errors import ContractError
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

INVALID = get_registry().invalid(get_settings().outlines)
if INVALID:
    raise ContractError(
        f"{len(INVALID)} cannot be used and have no DAG; all others are live\n"
        + "\n".join(str(error.args[0]) for error in INVALID.values()),
        place=", ".join(str(error.path) for error in INVALID.values()),
        remedy="mend the file, then ask `python -m catalog contract check`; Airflow sees it within a minute",
    )
