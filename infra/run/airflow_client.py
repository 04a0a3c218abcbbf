"""Airflow's REST interface (调度接口), patient while the API server is away.

Every request can be sent twice: runs are triggered under an id of our own, so that a second try finds the first.
"""

from __future__ import annotations

import time
from typing import Any

import httpx

from infra.stack import StackError

PATIENCE_SECONDS = 240.0
PAGE = 100
Answer = dict[str, Any]


class AirflowClient:
    """A logged-in client of one Airflow."""

    def __init__(
        self,
        address: str,
        user: str,
        password: str,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._http = httpx.Client(base_url=address, timeout=20, trust_env=False)
        self._login = {"username": user, "password": password}
        self._token = ""
        self._patience = patience

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def dags(self) -> dict[str, Answer]:
        """Return the DAGs that Airflow has read, by id."""
        found = self._pages("/api/v2/dags", "dags", {"exclude_stale": True})
        return {dag["dag_id"]: dag for dag in found}

    def import_errors(self) -> list[Answer]:
        """Return what went wrong when Airflow read the DAG files."""
        return self._pages("/api/v2/importErrors", "import_errors", {})

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, str]) -> None:
        """Start a run of ``dag_id`` under ``run_id``; one that is there already is left alone."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body, known=(409,))

    def resume(self, dag_id: str) -> None:
        """End the pause of a DAG."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False}, params={"update_mask": ["is_paused"]})

    def runs(self, since: str) -> list[Answer]:
        """Return the runs of all DAGs that were due at ``since`` (ISO instant) or later."""
        return self._listed("dagRuns", "dag_runs", {"run_after_gte": since})

    def unfinished_runs(self, dag_ids: list[str]) -> list[Answer]:
        """Return the runs of ``dag_ids`` that are queued or running."""
        return self._listed("dagRuns", "dag_runs", {"dag_ids": dag_ids, "states": ["queued", "running"]})

    def task_instances(self, run_ids: list[str]) -> list[Answer]:
        """Return the task instances of the runs called ``run_ids``."""
        return self._listed("dagRuns/~/taskInstances", "task_instances", {"dag_run_ids": run_ids}) if run_ids else []

    def consumed(self, dag_id: str, run_id: str) -> set[tuple[str, str]]:
        """Return the runs (DAG, run id) whose events started an asset-triggered run."""
        answer = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/upstreamAssetEvents", known=(404,))
        return {(event["source_dag_id"], event["source_run_id"]) for event in answer.get("asset_events", [])}

    def forget_events(self, dag_id: str) -> None:
        """Drop the input events that wait for ``dag_id``, left by an earlier round that did not complete."""
        self._call("DELETE", f"/api/v2/dags/{dag_id}/assets/queuedEvents", known=(404,))

    def _pages(self, path: str, key: str, params: dict[str, Any]) -> list[Answer]:
        found: list[Answer] = []
        while True:
            answer = self._call("GET", path, params={**params, "limit": PAGE, "offset": len(found)})
            found += answer[key]
            if not answer[key] or len(found) >= answer["total_entries"]:
                return found

    def _listed(self, path: str, key: str, body: dict[str, Any]) -> list[Answer]:
        found: list[Answer] = []
        while True:
            page = {**body, "page_limit": PAGE, "page_offset": len(found)}
            answer = self._call("POST", f"/api/v2/dags/~/{path}/list", json=page)
            found += answer[key]
            if not answer[key] or len(found) >= answer["total_entries"]:
                return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        known: tuple[int, ...] = (),
        json: Answer | None = None,
        params: Answer | None = None,
    ) -> Answer:
        """Send a request until it is answered; statuses in ``known`` are answers too.

        Raises:
            StackError: when nothing useful came within the patience, or the request itself is wrong.
        """
        deadline = time.monotonic() + self._patience
        while True:
            trouble = ""
            try:
                if not self._token:
                    self._log_in()
                headers = {"Authorization": f"Bearer {self._token}"}
                answer = self._http.request(method, path, json=json, params=params, headers=headers)
                if answer.status_code == 401:
                    self._token, trouble = "", "the log-in has run out"
                elif answer.is_server_error:
                    trouble = f"status {answer.status_code}"
                elif answer.is_success or answer.status_code in known:
                    return dict(answer.json()) if answer.content else {}
                else:
                    raise StackError(f"Airflow refused {method} {path}: {answer.status_code} {answer.text[:500]}")
            except httpx.HTTPError as error:
                trouble = f"{type(error).__name__}: {error}"
            if time.monotonic() > deadline:
                raise StackError(
                    f"Airflow's API gave no answer for {self._patience:.0f} s ({trouble})",
                    place=f"{self._http.base_url}{path}",
                    remedy="look at `make status` and the log airflow-api.log",
                )
            time.sleep(1)

    def _log_in(self) -> None:
        answer = self._http.post("/auth/token", json=self._login)
        if answer.status_code == 401:
            raise StackError(
                "Airflow does not accept the generated log-in",
                place="airflow/passwords.json",
                remedy="run `make down`, then start again",
            )
        answer.raise_for_status()
        self._token = answer.json()["access_token"]
