"""Check characters of many identifiers at once, against python-stdnum one by one."""

import numpy as np
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from catalog.model.ids.licence_id import explain_licence_id
from infra.demonstration.identifiers import (
    citizen_ids,
    licence_ids,
    registration_numbers,
    unified_codes,
    with_wrong_check,
)

COUNT = 3000


def test_citizen_numbers_pass_stdnum():
    chance = np.random.default_rng(1)
    birth = np.datetime64("1950-01-01") + chance.integers(0, 25_000, COUNT)
    ymd = np.array([int(str(day).replace("-", "")) for day in birth])
    numbers = citizen_ids(np.full(COUNT, 510121), ymd, chance.integers(0, 1000, COUNT))
    assert len(set(numbers)) > 0.9 * COUNT
    assert all(ric.is_valid(number) for number in numbers)
    assert {number[17] for number in numbers} == set("0123456789X")


def test_unified_codes_pass_stdnum_and_never_repeat():
    codes = unified_codes("91", np.full(COUNT, 510104), np.arange(COUNT) * 7_368_787 % 31**6)
    assert len(set(codes)) == COUNT
    assert all(uscc.is_valid(code) for code in codes)
    assert len({code[16] for code in codes}) == 11


def test_registration_numbers_pass_stdnum():
    numbers = registration_numbers(np.full(COUNT, 510104), np.arange(COUNT) * 31)
    assert all(len(number) == 15 and mod_11_10.is_valid(number) for number in numbers)


def test_licence_identifiers_pass():
    serials = 20_260_000_000 + np.arange(COUNT)
    numbers = licence_ids("11100000000013338W011", "11430000006122244L", serials)
    assert len({number[-1] for number in numbers}) > 30
    assert not any(explain_licence_id(number) for number in numbers)


def test_a_wrong_check_character_never_passes():
    numbers = citizen_ids(np.full(COUNT, 510121), np.full(COUNT, 19_800_229), np.arange(COUNT) % 1000)
    assert not any(ric.is_valid(with_wrong_check(number, "0123456789X")) for number in numbers)
    codes = unified_codes("92", np.full(COUNT, 510104), np.arange(COUNT))
    assert not any(uscc.is_valid(with_wrong_check(code, "0123456789ABCDEFGHJKLMNPQRTUWXY")) for code in codes)
