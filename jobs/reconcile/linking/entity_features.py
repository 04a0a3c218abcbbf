"""What of a legal entity is compared (法人比对特征): the parts of its name, its former names, division and address."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.model.address_parts import AddressParts, split_address
from catalog.model.entity_names import EntityName, former_name_of, industry_groups, split_entity_name
from catalog.model.ids.cleaning import clean_identifier, without_dashes
from catalog.model.ids.organisation_code import is_valid_organisation_code, organisation_code_of
from catalog.model.ids.registration_number import is_valid_registration_number
from catalog.model.ids.uscc import is_valid_uscc
from catalog.model.linkage_words import fold_text, plain_text
from catalog.model.places import division_successors
from jobs.reconcile.linking.person_features import Features
from jobs.reconcile.linking.spelling import deletions_of, grams_of, pinyin_of

COLUMNS = {
    "key": "string", "organisation_code": "string", "registration_no": "string", "written": "string",
    "name": "string", "names": "list", "core": "string", "trade_name": "string", "long_trade_name": "string",
    "trade_deletions": "list", "trade_grams": "list", "placed_name": "string", "pinyin": "string",
    "name_grams": "list", "name_place": "string", "branch": "string", "industry": "list", "divisions": "list",
    "prefecture": "string", "province": "string", "spot": "string", "street": "string", "town": "string",
    "address_grams": "list", "block_name": "string", "block_core": "string", "block_trade": "string",
    "block_sound": "string", "block_trade_province": "string", "block_spot": "string",
    "block_village": "string", "block_address": "string",
}  # fmt: skip
"""Feature → ``string`` or ``list`` of strings. Features ``block_…`` bring records together for comparison."""


def entity_keys(code: str | None, registration: str | None) -> tuple[str | None, str | None, str | None]:
    """Return credit code, organisation code and old registration number, each only when it is valid.

    Departments write all three into one column, so that each is looked for in both.

    >>> entity_keys("91350100M000100Y43", None)
    ('91350100M000100Y43', 'M000100Y4', None)
    >>> entity_keys("73513098—1", None), entity_keys("915101070549352000", None)
    ((None, '735130981', None), (None, None, None))
    """
    texts = [clean_identifier(text or "") for text in (code, registration)]
    credit = next((text for text in texts if len(text) == 18 and is_valid_uscc(text)), None)
    bare = [without_dashes(text) for text in texts]
    organisation = next((text for text in bare if len(text) == 9 and is_valid_organisation_code(text)), None)
    if credit:
        organisation = organisation_code_of(credit)
        organisation = organisation if is_valid_organisation_code(organisation) else None
    return (
        credit,
        organisation,
        next((text for text in texts if len(text) == 15 and is_valid_registration_number(text)), None),
    )


def entity_features(record: Mapping[str, str | None]) -> Features:
    """Return the features of one legal entity.

    Args:
        record: name, former_name, uscc, registration_no, division_code, address; any may lack.
    """
    stated = (record.get("division_code") or "").strip()
    address = split_address(record.get("address") or "", stated or str(record.get("province_code") or ""))
    parts = split_entity_name(record.get("name") or "", address.division or stated)
    name = _bare(record.get("name"))
    former = {_bare(record.get("former_name")), _bare(former_name_of(record.get("name") or ""))}
    division = max((address.division, stated, parts.place), key=_depth)
    divisions = division_successors(division) if division else ()
    key, organisation, registration = entity_keys(record.get("uscc"), record.get("registration_no"))
    body = parts.core + parts.branch
    return {
        "key": key,
        "organisation_code": organisation,
        "registration_no": registration,
        "written": plain_text(record.get("name")) or None,
        "name": name or None,
        "names": sorted({name, *former} - {""}) or None,
        "core": body or None,
        "trade_name": parts.trade_name or None,
        "long_trade_name": parts.trade_name if len(parts.trade_name) >= 3 else None,
        "trade_deletions": deletions_of(parts.trade_name) if len(parts.trade_name) >= 3 else None,
        "trade_grams": grams_of(parts.trade_name + parts.branch) or None,
        "placed_name": name if parts.place and len(parts.core) >= 4 else None,
        "pinyin": pinyin_of(parts.trade_name) or None,
        "name_grams": grams_of(body) or None,
        "name_place": parts.place[:4] or None,
        "branch": parts.branch or None,
        "industry": list(industry_groups(parts.industry)) or None,
        "divisions": list(divisions) or None,
        "prefecture": _prefecture(division),
        "province": division[:2] or None,
        "spot": address.spot or None,
        "street": address.street or None,
        "town": address.town or None,
        "address_grams": grams_of(address.rest) or None,
        **_blocks(name, parts, address, division),
    }


def _blocks(name: str, parts: EntityName, address: AddressParts, division: str) -> Features:
    trade, prefecture, spot = parts.trade_name, _prefecture(division) or "", address.spot
    village = address.town + address.village
    return {
        "block_name": name or None,
        "block_core": parts.core + parts.branch or None,
        "block_trade": f"{trade}|{prefecture}" if trade and prefecture else None,
        "block_sound": f"{pinyin_of(trade)}|{prefecture}" if trade and prefecture else None,
        "block_trade_province": f"{trade}|{division[:2]}" if trade and division else None,
        "block_spot": f"{spot}|{prefecture}" if spot and prefecture else None,
        "block_village": f"{village}|{prefecture}" if len(village) >= 4 and prefecture else None,
        "block_address": f"{address.rest}|{prefecture}" if len(address.rest) >= 6 and prefecture else None,
    }


def _bare(name: str | None) -> str:
    return fold_text(name).replace("(", "").replace(")", "")


def _depth(code: str) -> int:
    """Return how much a division code says: 6 digits, 4, 2 or none."""
    return len(code.rstrip("0")) + len(code.rstrip("0")) % 2 if code else 0


def _prefecture(division: str) -> str | None:
    return division[:4] if division and not division.endswith("0000") else None
