"""What of a person is compared (自然人比对特征): names, birth date, sex, division, address, telephone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catalog.model.address_parts import split_address
from catalog.model.ids.citizen_id import is_valid_citizen_id, upgrade_citizen_id
from catalog.model.ids.cleaning import clean_identifier
from catalog.model.linkage_words import fold_text, plain_text
from catalog.model.places import division_successors
from jobs.reconcile.linking.spelling import deletions_of, grams_of, pinyin_of

Features = dict[str, str | list[str] | None]
COLUMNS = {
    "key": "string", "written": "string", "name": "string", "names": "list", "pinyin": "string",
    "deletions": "list", "surname": "string", "birth_date": "string", "birth_year": "string",
    "birth_near": "list", "birth_masks": "list", "sex": "string", "divisions": "list", "prefecture": "string",
    "spot": "string", "address_grams": "list", "phone": "string", "block_name_birth": "string",
    "block_sound_month": "string", "block_sound_year": "string", "block_birth_place": "string",
    "block_phone": "string", "block_spot": "string",
}  # fmt: skip
"""Feature → ``string`` or ``list`` of strings. Features ``block_…`` bring records together for comparison."""
_FORMER_SEPARATORS = re.compile(r"[,，、;；/|]")


def citizen_key(number: str | None) -> str | None:
    """Return the citizen number in 18 characters when it is a valid one, else nothing.

    >>> citizen_key("320311770706001"), citizen_key("11010519491231002x"), citizen_key("110105194912310021")
    ('320311197707060018', '11010519491231002X', None)
    """
    text = clean_identifier(number or "")
    if not text or not is_valid_citizen_id(text):
        return None
    return upgrade_citizen_id(text) if len(text) == 15 else text


def person_features(record: Mapping[str, str | None]) -> Features:
    """Return the features of one person.

    Args:
        record: name, former_name, citizen_id, sex_code, birth_date (ISO), division_code, address, phone; any may lack.
    """
    name = re.sub(r"[·.()]", "", fold_text(record.get("name")))
    former = [fold_text(part) for part in _FORMER_SEPARATORS.split(record.get("former_name") or "")]
    birth = _birth(record.get("birth_date"))
    division = (record.get("division_code") or "").strip()
    address = split_address(record.get("address") or "", division)
    divisions = division_successors(division or address.division) if division or address.division else ()
    phone = _digits(record.get("phone"))
    phone = phone[-11:] if len(phone) >= 7 else ""
    sound, spot = pinyin_of(name), address.spot
    return {
        "key": citizen_key(record.get("citizen_id")),
        "written": plain_text(record.get("name")) or None,
        "name": name or None,
        "names": sorted({name, *former} - {""}) or None,
        "pinyin": sound or None,
        "deletions": deletions_of(name) if len(name) >= 3 else None,
        "surname": sound.split(" ")[0] or None,
        "birth_date": birth or None,
        "birth_year": birth[:4] or None,
        "birth_near": _exchanged(birth) or None,
        "birth_masks": [birth[:i] + "*" + birth[i + 1 :] for i in range(8)] if birth else None,
        "sex": record.get("sex_code") if record.get("sex_code") in ("1", "2") else None,
        "divisions": list(divisions) or None,
        "prefecture": max(divisions)[:4] if divisions else None,
        "spot": spot or None,
        "address_grams": grams_of(address.rest) or None,
        "phone": phone or None,
        "block_name_birth": _joined(name, birth[:4]),
        "block_sound_month": _joined(sound, birth[4:6]),
        "block_sound_year": _joined(sound, birth[:3], max(divisions)[:4] if divisions else ""),
        "block_birth_place": _joined(birth, max(divisions)[:4] if divisions else ""),
        "block_phone": phone or None,
        "block_spot": _joined(spot, birth[:4]),
    }


def _digits(text: str | None) -> str:
    return re.sub(r"\D", "", text or "")


def _birth(text: str | None) -> str:
    """Return a date in eight digits, or nothing.

    >>> _birth("1990-05-12"), _birth("1990年5月2日"), _birth("19900512"), _birth("90-5")
    ('19900512', '19900502', '19900512', '')
    """
    match = re.match(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?!\d)", text or "")
    return f"{match[1]}{int(match[2]):02}{int(match[3]):02}" if match else ""


def _joined(*parts: str) -> str | None:
    """Return the parts as one key, or nothing when one lacks."""
    return "|".join(parts) if all(parts) else None


def _exchanged(birth: str) -> list[str]:
    """Return the dates that arise when two neighbouring digits, or month and day, are exchanged, in order.

    >>> _exchanged("19900512")[:3]
    ['19090512', '19900152', '19900521']
    """
    if not birth:
        return []
    swapped = {birth[:i] + birth[i + 1] + birth[i] + birth[i + 2 :] for i in range(7)}
    return sorted((swapped | {birth[:4] + birth[6:] + birth[4:6]}) - {birth})
