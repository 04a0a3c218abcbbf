"""Asking the recipient's client from outside of its environment (进程边界)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.model.errors import GuantongError
from infra.stack.errors import StackError

CLIENT = Path(__file__).with_name("client.py")
INTERPRETER = "GUANTONG_RECIPIENT_PYTHON"
"""Environment variable that names another Python with the client; default: the one that `make install` sets up."""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""All that the client gets of our environment: a recipient has none of our settings."""
SECONDS = 300.0


class RecipientError(GuantongError):
    """The recipient's client could not do what it was asked."""

    code = "RECIPIENT_FAILED"


def recipient_python() -> Path:
    """Return the Python of the recipient's environment.

    Raises:
        StackError: when it was not set up.
    """
    named = os.environ.get(INTERPRETER)
    path = Path(named) if named else Path(sys.prefix) / "recipient" / "bin" / "python"
    if not path.is_file():
        raise StackError("the recipient's environment is not there", place=str(path), remedy="run `make install`")
    return path


def load_table(profile: Path | str, table: str, **options: object) -> pa.Table:
    """Return the rows of ``share.schema.table`` as a recipient receives them.

    Args:
        profile: the recipient's profile file; its token is read by the client and stands on no command line.
        table: share, schema and name.
        options: what the official client's ``load_as_pandas`` takes.

    Raises:
        RecipientError: with the client's own words.
    """
    with tempfile.TemporaryDirectory(prefix="guantong-recipient-") as folder:
        out = Path(folder) / "rows.parquet"
        ask("load", profile, table=table, options=options, out=str(out))
        return pq.read_table(out)


def ask(act: str, profile: Path | str, **request: object) -> Any:  # noqa: ANN401 - each act has an answer of its own
    """Return what the client answers to one request.

    Raises:
        RecipientError: with the client's own words, or when it ended without an answer.
    """
    line = [str(recipient_python()), "-I", str(CLIENT)]
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    wanted = json.dumps({"act": act, "profile": str(profile), "options": {}, **request})
    try:
        done = subprocess.run(
            line, input=wanted, env=kept, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        told = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise RecipientError(f"the client gave no answer in {SECONDS:.0f} s", place=act) from error
    except ValueError as error:
        words = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise RecipientError(f"the client ended with {done.returncode}: {words}", place=act) from error
    if "error" in told:
        raise RecipientError(told["error"], place=act)
    return told["answer"]
