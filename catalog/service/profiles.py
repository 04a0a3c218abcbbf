"""Profile files (接入配置): the one file a receiving system needs to read what it was granted."""

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path


def write_profile(path: Path, *, endpoint: str, token: str, expires_at: datetime) -> None:
    """Write a Delta Sharing profile (version 1) that only its owner can read, replacing an earlier one whole.

    Args:
        path: Where to; folders are made as needed.
        endpoint: Address of the protocol.
        token: The bearer token.
        expires_at: When the token ends.
    """
    content = {
        "shareCredentialsVersion": 1,
        "endpoint": endpoint,
        "bearerToken": token,
        "expirationTime": expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".profile-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
