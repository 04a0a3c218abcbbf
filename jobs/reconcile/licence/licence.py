"""Licences (电子证照库): validity follows from dates and status, so it turns with the calendar as well as the data."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

REVOKED_STATUS = ("4", "5")
"""Codes of ``licence_status`` by which an authority ended a licence: 撤销, 吊销."""


def extra_flags(business_date: date) -> list[Column]:
    """Return LICENCE_EXPIRED (已过有效期) and LICENCE_REVOKED (已撤销、吊销) as of ``business_date``."""
    expired = F.col("valid_to_date") < F.lit(business_date)
    return [
        F.when(expired, F.lit("LICENCE_EXPIRED")),
        F.when(F.col("status_code").isin(*REVOKED_STATUS), F.lit("LICENCE_REVOKED")),
    ]


def turned_between(previous: date, business_date: date) -> Column:
    """Return the condition under which a licence expired after ``previous`` and before ``business_date``."""
    return (F.col("valid_to_date") >= F.lit(previous)) & (F.col("valid_to_date") < F.lit(business_date))
