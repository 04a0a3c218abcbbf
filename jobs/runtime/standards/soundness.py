"""Whether a value already is what a standard asks (合格判定): one flat condition each, for checks of finished tables.

The rules of this folder read, mend and explain what departments write, in steps. A check asks less: is this right as
it stands? Each condition holds exactly where the rule of the same name leaves a value alone and finds no problem; it is
never null; and it is one expression that repeats little, since a filter cannot keep steps.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.element_format import parse_format
from catalog.model.ids import citizen_id, division, licence_id, organisation_code, registration_number, uscc
from jobs.runtime.standards.identifiers.citizen_id import division_last_day, has_right_citizen_check
from jobs.runtime.standards.identifiers.division import is_known_division, last_day_in_force
from jobs.runtime.standards.identifiers.form import digit, pick, weighted
from jobs.runtime.standards.identifiers.licence_id import licence_check_character
from jobs.runtime.standards.identifiers.registration_number import is_right_registration_number
from jobs.runtime.standards.identifiers.uscc import has_right_uscc_check

_CHARACTERS = {"a": r"[^\p{Nd}\x00-\x1f]", "n": "[0-9]", "an": r"[^\x00-\x1f]"}
"""As in ``catalog.model.element_format``, in Java's spelling."""


def is_sound_citizen_id(value: Column, *, at_birth: bool = True) -> Column:
    """Return whether form, birth date, check character and the division at birth are right (GB 11643).

    The dated list of divisions takes longer to plan than a small table takes to check; without ``at_birth`` the
    division is not judged.
    """
    day = [F.substring(value, start, length) for start, length in ((7, 4), (11, 2), (13, 2))]
    is_day = (day[0] != "0000") & F.concat_ws("-", *day).try_cast("date").isNotNull()
    found = value.rlike(citizen_id.PATTERN) & has_right_citizen_check(value) & is_day
    if at_birth:
        last_day = division_last_day(F.substring(value, 1, 6).try_cast("int"))
        found = found & (last_day >= F.substring(value, 7, 8).try_cast("int"))
    return _told(found)


def is_sound_uscc(value: Column) -> Column:
    """Return whether form and check character are right (GB 32100)."""
    return _told(value.rlike(uscc.PATTERN) & has_right_uscc_check(value))


def is_sound_organisation_code(value: Column) -> Column:
    """Return whether form and check character are right (GB 11714)."""
    body = F.conv(F.substring(value, 1, 8), 36, 10).cast("bigint")
    total = weighted((digit(body, 7 - place, 36) for place in range(8)), organisation_code.WEIGHTS)
    check = pick(organisation_code.CHECK_CHARACTERS, total % F.lit(11))
    return _told(value.rlike(organisation_code.PATTERN) & (check == F.substring(value, 9, 1)))


def is_sound_registration_number(value: Column) -> Column:
    """Return whether form and check digit are right (GS 15-2006)."""
    return _told(value.rlike(registration_number.PATTERN) & is_right_registration_number(value))


def is_sound_licence_id(value: Column) -> Column:
    """Return whether form and check character are right (GB/T 36904)."""
    body = F.replace(F.substring(value, len(licence_id.ROOT) + 2, 200), F.lit("."), F.lit(""))
    stem = body.substr(F.lit(1), F.length(body) - 1)
    return _told(value.rlike(licence_id.PATTERN) & (licence_check_character(stem) == F.right(value, F.lit(1))))


def is_sound_division(value: Column) -> Column:
    """Return whether the dated list knows the code, in force or not (GB/T 2260)."""
    return _told(value.rlike(division.PATTERN) & is_known_division(value.try_cast("int")))


def is_division_on(value: Column, day: Column) -> Column:
    """Return whether the division had not been retired before ``day``, a date; true where there is no day."""
    last_day = last_day_in_force(value.try_cast("int"))
    number = F.date_format(day, "yyyyMMdd").try_cast("int")
    return _told(value.rlike(division.PATTERN) & F.coalesce(last_day >= number, last_day.isNotNull() & day.isNull()))


def has_format(value: Column, notation: str, *, is_number: bool = False) -> Column:
    """Return whether ``value`` has the form that a notation of GB/T 19488.1 describes.

    Args:
        value: text, or a number with ``is_number``.
        notation: such as ``an18`` or ``n..10,2``; of days, instants and yes/no the column's type says all.
        is_number: whether the column is numeric; digits are counted without padding.

    Raises:
        ValueError: when the notation is none, or of a kind that a type says.
    """
    form = parse_format(notation)
    if form.characters not in _CHARACTERS:
        raise ValueError(f"{notation!r} is a matter of the column's type")
    if is_number:
        if form.longest is None:
            raise ValueError(f"{notation!r} does not say how many digits a number may have")
        size = F.abs(value) < F.lit(Decimal(10 ** (form.longest - form.decimals)))
        exact = F.round(value, form.decimals) == value
        return _told(size & exact)
    if form.decimals:
        whole = f"0|[1-9][0-9]{{0,{(form.longest or 0) - form.decimals - 1}}}"
        return _told(value.rlike(rf"\A[+-]?(?:{whole})(?:\.[0-9]{{1,{form.decimals}}})?\z"))
    most = "" if form.longest is None else form.longest
    return _told(value.rlike(rf"\A{_CHARACTERS[form.characters]}{{{form.shortest},{most}}}\z"))


def in_order(days: list[Column]) -> Column:
    """Return whether each of ``days`` that is not null is no later than every one after it that is not null."""
    pairs = [F.coalesce(a <= b, F.lit(True)) for i, a in enumerate(days) for b in days[i + 1 :]]
    return reduce(lambda a, b: a & b, pairs)


def _told(condition: Column) -> Column:
    """Return ``condition``, false where it cannot be told: what is not known to be right is not right."""
    return F.coalesce(condition, F.lit(False))


SOUND: dict[str, Callable[[Column], Column]] = {
    "citizen_id": is_sound_citizen_id,
    "uscc": is_sound_uscc,
    "organisation_code": is_sound_organisation_code,
    "registration_number": is_sound_registration_number,
    "licence_id": is_sound_licence_id,
    "division": is_sound_division,
}
"""Standard of an identifier → its condition."""
