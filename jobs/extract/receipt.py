"""The sender's receipt (报送回执): what the department says it sent, beside the file as ``<file>.receipt.json``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from jobs.extract.delivery import DeliveryHeldError

SUFFIX = ".receipt.json"
BEIJING = timezone(timedelta(hours=8))


class Receipt(BaseModel):
    """What the sender declares about a file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    rows: int = Field(ge=0, validation_alias=AliasChoices("rows", "row_count", "declared_rows"))
    sha256: str | None = Field(default=None, pattern=r"^[0-9A-Fa-f]{64}$")
    sent_at: datetime | None = None

    @field_validator("sent_at")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        """A time without a zone is Beijing time."""
        if value is None:
            return None
        try:
            return (value if value.tzinfo else value.replace(tzinfo=BEIJING)).astimezone(UTC)
        except OverflowError:
            raise ValueError("lies outside the calendar") from None


def receipt_path(path: Path) -> Path:
    """Return where the receipt of a file lies.

    >>> receipt_path(Path("/drop/licences.csv")).name
    'licences.csv.receipt.json'
    """
    return path.with_name(path.name + SUFFIX)


def read_receipt(path: Path, place: str) -> Receipt | None:
    """Return the receipt of the file at ``path``, or nothing when it came without one.

    Raises:
        DeliveryHeldError: RECEIPT_INVALID, with what is wrong in it.
    """
    beside = receipt_path(path)
    if not beside.is_file():
        return None
    try:
        return Receipt.model_validate_json(beside.read_bytes())
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors())
        raise DeliveryHeldError(
            "RECEIPT_INVALID",
            problems,
            place=f"{place}{SUFFIX}",
            remedy='ask the department for a receipt such as {"rows": 1200, "sha256": "…", "sent_at": "…"}',
        ) from error
