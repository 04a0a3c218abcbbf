"""One of the project's commands as an Airflow task (命令任务), in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from catalog.model.settings import CHECKOUT


class CommandOperator(BaseOperator):  # type: ignore[misc]
    """Runs ``python -m <module> <arguments>``: fixed text, which nothing of a run can alter."""

    ui_color = "#e8ecf1"

    def __init__(self, *, module: str, arguments: tuple[str, ...], **more: object) -> None:
        super().__init__(do_xcom_push=False, **more)
        self.module = module
        self.arguments = arguments

    @property
    def command(self) -> str:
        """Return what a person types to do the same by hand."""
        return " ".join(("python -m", self.module, *self.arguments))

    def execute(self, context: Context) -> None:
        """Run the command; what it says goes into the task's log.

        Raises:
            AirflowException: it ended with another code than 0; with the last it said.
        """
        del context
        self.log.info("by hand: %s", self.command)
        line = [sys.executable, "-m", self.module, *self.arguments]
        done = subprocess.run(
            line, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        for told in done.stdout.splitlines():
            self.log.info("%s", told)
        if done.returncode:
            raise AirflowException(f"{self.command} ended with {done.returncode}: {done.stdout.strip()[-2000:]}")
