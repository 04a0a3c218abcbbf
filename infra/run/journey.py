"""The whole of ``make run`` (一键运行): stack, departments, round, reader, account, in this order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from sqlalchemy.exc import DBAPIError

from catalog.control.session import session_scope
from catalog.model.registry import Registry
from catalog.model.settings import Settings
from catalog.proof.whole import SHARE, prove
from infra.demonstration.answer_key import read_answer_key
from infra.run import evidence, real_lists
from infra.run.account import Account, served_shares
from infra.run.airflow_client import AirflowClient
from infra.run.day import Day, mark_done
from infra.run.failures import failures_of
from infra.run.faults import Evidence, compare
from infra.run.reader import Reading, read_back
from infra.run.recipient import ensure_recipient
from infra.run.round import Round
from infra.run.summary import Summary, shortcomings, write_summary
from infra.run.view import view_for
from infra.run.watch import Watch
from infra.stack import Stack, StackError
from infra.stack.home import read_json

POLL_SECONDS = 2.5
"""Between two looks at the round; each costs the API server a tenth of a second."""
ENGINEER = "engineer"


@dataclass
class Journey:
    """One run, from a running stack to its account."""

    stack: Stack
    settings: Settings
    registry: Registry
    day: Day
    summary: Summary
    console: Console
    deadline: float
    """Moment (monotonic clock) by which the round must have ended."""
    real: bool = False
    account: Account = field(default_factory=lambda: Account(()))
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    _of_silver: Future[list[Evidence]] | None = None
    """What silver recorded, looked up while the round goes on with the layers above."""

    def go(self, watch: Watch) -> None:
        """Run the round, read back, and fill the summary; what goes wrong is in the summary too."""
        try:
            with self._phase("dags"):
                state = self._follow_round(watch)
            self._tell_round(state)
            read = self._threads.submit(self._read_back) if state.has_succeeded else None
            with self._phase("account"):
                self._look_back()
            with self._phase("proof"):
                self._prove_the_ledger()
            if read:
                self.summary.reading = read.result()
        except StackError as error:
            self.summary.failures.append(str(error))
        finally:
            self._threads.shutdown()

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.summary.phases[name] = time.monotonic() - began

    def _follow_round(self, watch: Watch) -> Round:
        address, passwords = self.stack.address("airflow-api"), self.stack.home.root / "airflow" / "passwords.json"
        client = AirflowClient(address, ENGINEER, str(read_json(passwords)[ENGINEER]))
        state = Round(
            client,
            self.registry,
            real=self.real,
            run_id=self.summary.run_id,
            business_date=self.day.business_date,
        )
        try:
            state.start()
            with view_for(self.console) as view:
                while not state.has_ended:
                    state.refresh()
                    self._refresh_account(state)
                    self._look_into_silver(state)
                    view.show(state, self.account)
                    self._refuse_to_wait(state, watch)
                    time.sleep(POLL_SECONDS)
                self._refresh_account(state, patience=60.0)
                view.show(state, self.account)
        finally:
            client.close()
        return state

    def _look_into_silver(self, state: Round) -> None:
        """Begin with what silver recorded as soon as nothing more comes into it."""
        if self._of_silver is None and all(dag.has_ended for dag in state.dags.values() if dag.layer == "silver"):
            self._of_silver = self._threads.submit(self._evidence, "silver")

    def _evidence(self, layer: str) -> list[Evidence]:
        return evidence.collect(self.settings.require("spark_remote"), self.registry.all(layer, real=False))

    def _refuse_to_wait(self, state: Round, watch: Watch) -> None:
        if watch.stack_ended:
            raise StackError("the stack was ended while the round ran", remedy="start again; the day is done anew")
        if time.monotonic() > self.deadline:
            late = ", ".join(dag.dag_id for dag in state.dags.values() if not dag.has_ended)
            raise StackError(
                f"the time limit is over; not ended: {late}", remedy="see Airflow's pages, or raise --minutes"
            )

    def _refresh_account(self, state: Round, patience: float = 1.0) -> None:
        """Read the ledger; while the control plane is away the last account stands."""
        try:
            with session_scope(self.settings.require("control_url"), patience=patience) as session:
                self.account = Account.read(session, state.run_ids)
        except DBAPIError:
            if patience > 1.0:
                raise

    def _read_back(self) -> Reading:
        with self._phase("reader"):
            return read_back(self.settings, ensure_recipient(self.settings))

    def _tell_round(self, state: Round) -> None:
        summary = self.summary
        summary.dags = {dag.dag_id: dag.state for dag in state.dags.values()}
        summary.failures += [str(failure) for failure in failures_of(state, self.stack.home.logs / "tasks")]
        summary.tables = self.account.by_table()
        for dag in state.dags.values():
            for task in dag.tasks.values():
                summary.stages[task.task_id] = summary.stages.get(task.task_id, 0.0) + task.seconds
        summary.lost_rows = self.account.lost_rows()

    def _look_back(self) -> None:
        """Compare with the answer keys, and read shares and real lists from the control plane."""
        home, remote = self.settings.home, self.settings.require("spark_remote")
        planted = [entry for number in range(1, self.day.number + 1) for entry in read_answer_key(home, number)]
        found = self._evidence("base")
        is_known = self._of_silver is not None and self._of_silver.exception() is None
        found += self._of_silver.result() if self._of_silver and is_known else self._evidence("silver")
        with session_scope(self.settings.require("control_url")) as session:
            self.summary.verdicts = compare(planted, [*found, *evidence.delivery_evidence(session)], self.day.number)
            self.summary.shares = served_shares(session)
            if self.real:
                self.summary.real_data = real_lists.report(session, remote, self.registry.all("silver", real=True))

    def _prove_the_ledger(self) -> None:
        """Hold the tables against each other and the ledger, as every night does."""
        contracts = self.registry.all(real=None if self.real else False)
        outcome = prove(contracts, self.registry, SHARE, lambda _: None)
        self.summary.proved = dict(outcome.compared)
        self.summary.unproved = [" ".join(vars(difference).values()) for difference in outcome.differences]
        self.summary.unproved += [f"{resource} was being worked on" for resource in outcome.at_work]


def finish(journey: Journey, watch: Watch, began: float) -> bool:
    """Write the account of a run, and tell whether it is in order; only then its day is done."""
    summary = journey.summary
    summary.seconds = time.monotonic() - began
    summary.peak_memory_mb = watch.peak_memory_mb
    summary.restarts = watch.restarts()
    write_summary(journey.settings.home, summary)
    if shortcomings(summary):
        return False
    mark_done(journey.settings.home, journey.day)
    return True


def new_summary(run_id: str, day: Day) -> Summary:
    """Return the summary of a run that begins now."""
    return Summary(run_id, day.number, day.business_date.isoformat(), datetime.now(UTC))
