"""Asks the exchange service as a recipient does, with the official client; run by the recipient's Python.

Reads one request as JSON from its input and writes one answer to its output: ``{"answer": …}``, or ``{"error": …}``
with what the client raised. It imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

Request = dict[str, Any]


def load(request: Request) -> int:
    """Write a table's rows to the Parquet file ``out``, and return how many there are."""
    import delta_sharing

    frame = delta_sharing.load_as_pandas(f"{request['profile']}#{request['table']}", **request["options"])
    frame.attrs = {}
    frame.to_parquet(request["out"])
    return len(frame)


def tables(request: Request) -> list[str]:
    """Return what the recipient may read, as ``share.schema.table``."""
    import delta_sharing

    client = delta_sharing.SharingClient(request["profile"])
    return [f"{table.share}.{table.schema}.{table.name}" for table in client.list_all_tables()]


def changes(request: Request) -> int:
    """Return how many changes of a table there are since a version."""
    import delta_sharing

    address = f"{request['profile']}#{request['table']}"
    return len(delta_sharing.load_table_changes_as_pandas(address, **request["options"]))


def versions(request: Request) -> dict[str, int]:
    """Return the version of a table as its two questions tell it, and how many files it has."""
    import delta_sharing
    from delta_sharing.protocol import DeltaSharingProfile
    from delta_sharing.rest_client import DataSharingRestClient

    share, schema, name = request["table"].split(".")
    rest = DataSharingRestClient(DeltaSharingProfile.read_from_file(request["profile"]))
    try:
        table = delta_sharing.Table(name, share, schema)
        metadata = rest.query_table_metadata(table)
        return {
            "version": rest.query_table_version(table).delta_table_version,
            "metadata_version": metadata.delta_table_version,
            "files": metadata.metadata.num_files,
        }
    finally:
        rest.close()


ACTS: dict[str, Callable[[Request], Any]] = {one.__name__: one for one in (load, tables, changes, versions)}


def main() -> None:
    """Answer the one request of this process."""
    request = json.load(sys.stdin)
    try:
        told = {"answer": ACTS[request["act"]](request)}
    except Exception as error:  # the official client lets through whatever its libraries raise
        told = {"error": f"{type(error).__name__}: {error}"}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
