"""One connection to the Spark Connect server (计算引擎连接), patient while the server restarts."""

from __future__ import annotations

import time

from pyspark.errors.exceptions.connect import SparkConnectException
from pyspark.sql import SparkSession

from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings

PATIENCE_SECONDS = 120
SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
}
"""Set on every session, so that a site's cluster reads rows as the embedded server does."""


class SparkUnavailableError(GuantongError):
    """The Spark Connect server did not answer in time."""

    code = "SPARK_UNAVAILABLE"


def connect(remote: str | None = None, patience: float = PATIENCE_SECONDS) -> SparkSession:
    """Return a session on the Spark Connect server, waiting while it starts or restarts.

    Args:
        remote: ``sc://host:port``; default the setting ``SPARK_REMOTE``.
        patience: seconds to keep trying.

    Raises:
        SparkUnavailableError: when it does not answer within ``patience``.
    """
    address = remote or get_settings().require("spark_remote")
    deadline = time.monotonic() + patience
    while True:
        try:
            spark = SparkSession.builder.remote(address).getOrCreate()
            for key, value in SESSION_SETTINGS.items():
                spark.conf.set(key, value)
            return spark
        except SparkConnectException as error:
            if time.monotonic() > deadline:
                raise SparkUnavailableError(
                    "the Spark Connect server does not answer",
                    place=address,
                    remedy="see `make status` and the log spark.log; it restarts by itself within a minute",
                ) from error
            time.sleep(1)
