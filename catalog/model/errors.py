"""Errors that say what is wrong, where, and what to do about it (错误)."""

from __future__ import annotations

from catalog.model.secret_texts import mask_known, mask_secrets


class GuantongError(Exception):
    """Base of every error a person is meant to read; none of its texts holds a secret, whoever wrote them.

    Attributes:
        code: stable ``UPPER_SNAKE`` code.
        place: file, table, row or setting concerned.
        remedy: what to do next, as a sentence.
    """

    code = "GUANTONG_ERROR"

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(mask_secrets(message))
        self.place = mask_secrets(place)
        self.remedy = mask_known(remedy)

    def __str__(self) -> str:
        """Return message, place and remedy on one line each."""
        parts = [f"{self.code}: {super().__str__()}"]
        if self.place:
            parts.append(f"  where: {self.place}")
        if self.remedy:
            parts.append(f"  remedy: {self.remedy}")
        return "\n".join(parts)


class ContractError(GuantongError):
    """A contract (契约) is missing, malformed or contradicts itself."""

    code = "CONTRACT_INVALID"


class SettingMissingError(GuantongError):
    """A setting that the command needs has no value."""

    code = "SETTING_MISSING"


class SettingsFileError(GuantongError):
    """The settings file has a line that is no setting, or a setting that no line can hold."""

    code = "SETTINGS_FILE_INVALID"


class DeliveryRefusedError(GuantongError):
    """A delivery (一次报送) cannot be admitted to bronze and is held for a person."""

    code = "DELIVERY_REFUSED"

    def __init__(self, code: str, message: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.code = code


class LedgerUnbalancedError(GuantongError):
    """Rows in are not accepted + set aside + rejected: a stage lost or doubled rows."""

    code = "LEDGER_UNBALANCED"


class MergeKeyError(GuantongError):
    """The rows about to be merged have a null or repeated key."""

    code = "MERGE_KEY_INVALID"


class GateStoppedError(GuantongError):
    """The gate (质量关口) stopped a table."""

    code = "GATE_STOPPED"
