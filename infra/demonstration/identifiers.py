"""Check characters of many identifiers at once (批量校验位), held equal to python-stdnum by tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.model.ids.uscc import ALPHABET as USCC_ALPHABET

IntArray = NDArray[np.int64]
TextArray = NDArray[Any]
"""One-dimensional array of Python or fixed-width strings."""

_CITIZEN_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CITIZEN_CHECKS = np.array(list("10X98765432"))
_USCC_CHARACTERS = np.array(list(USCC_ALPHABET))
_USCC_WEIGHTS = np.array([pow(3, position, 31) for position in range(17)])
_BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOD = len(_ALPHANUMERIC)
LICENCE_ROOT = "1.2.156.3005.2"


def _digits(numbers: IntArray, width: int) -> IntArray:
    """Return the decimal digits of ``numbers``, one row each, leading zeros kept."""
    return numbers[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10


def _joined(characters: TextArray) -> TextArray:
    """Return one string per row of a matrix of single characters."""
    matrix = np.ascontiguousarray(characters.astype("U1"))
    return matrix.view(f"U{matrix.shape[1]}").ravel().astype(object)


def citizen_ids(division: IntArray, birth_ymd: IntArray, sequence: IntArray) -> TextArray:
    """Return citizen numbers (公民身份号码, GB 11643).

    Args:
        division: six-digit division of first registration.
        birth_ymd: birth date as yyyymmdd.
        sequence: 0 to 999; odd for men.

    >>> citizen_ids(np.array([110105]), np.array([19491231]), np.array([2])).tolist()
    ['11010519491231002X']
    """
    digits = _digits(division * 10**11 + birth_ymd * 1000 + sequence, 17)
    checks = _CITIZEN_CHECKS[(digits * _CITIZEN_WEIGHTS).sum(axis=1) % 11]
    return _joined(np.column_stack([digits.astype("U1"), checks]))


def unified_codes(prefix: str, division: IntArray, serial: IntArray, lead: str = "MA") -> TextArray:
    """Return unified social credit codes (统一社会信用代码, GB 32100) whose organisation part passes GB 11714 too.

    Args:
        prefix: two characters: registering authority and kind of entity.
        division: six-digit division of registration.
        serial: number below 31**6, spread over characters 11 to 16.
        lead: the organisation part's first two characters.

    >>> unified_codes("91", np.array([510104]), np.array([1])).tolist()
    ['91510104MA0000015U']
    """
    body = serial[:, None] // 31 ** np.arange(5, -1, -1) % 31
    body = np.column_stack([np.broadcast_to(_indices(lead), (len(serial), 2)), body])
    values = np.array([_ALPHANUMERIC.index(c) for c in USCC_ALPHABET])[body]
    remainder = (11 - (values * _BODY_WEIGHTS).sum(axis=1) % 11) % 11
    organisation_check = np.where(remainder == 10, USCC_ALPHABET.index("X"), remainder)
    head = np.column_stack([np.broadcast_to(_indices(prefix), (len(serial), 2)), _digits(division, 6)])
    first_17 = np.column_stack([head, body, organisation_check])
    check = (31 - (first_17 * _USCC_WEIGHTS).sum(axis=1) % 31) % 31
    return _joined(_USCC_CHARACTERS[np.column_stack([first_17, check])])


def _indices(text: str) -> IntArray:
    return np.array([USCC_ALPHABET.index(character) for character in text])


def registration_numbers(division: IntArray, serial: IntArray) -> TextArray:
    """Return 15-digit registration numbers (工商注册号) with their ISO 7064 MOD 11,10 check digit.

    >>> registration_numbers(np.array([510104]), np.array([12345678])).tolist()
    ['510104123456786']
    """
    digits = _digits(division * 10**8 + serial, 14)
    check = np.full(len(serial), 5)
    for column in digits.T:
        check = (_or(check, 10) * 2 % 11 + column) % 10
    last = (1 - _or(check, 10) * 2 % 11) % 10
    return _joined(np.column_stack([digits, last]).astype("U1"))


def _or(values: IntArray, replacement: int) -> IntArray:
    """Return ``values`` with zeros replaced, as ISO 7064's hybrid systems want it."""
    return np.where(values == 0, replacement, values)


def licence_ids(type_code: str, issuer: str, serial: IntArray, version: str = "001") -> TextArray:
    """Return licence identifiers (电子证照标识, GB/T 36904) of one type and issuer.

    Args:
        type_code: 21 characters.
        issuer: unified social credit code of the issuing authority.
        serial: eleven-digit numbers.
        version: three digits.

    >>> licence_ids("11100000000013338W011", "11430000006122244L", np.array([20230000403])).tolist()
    ['1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U']
    """
    check = np.full(len(serial), _MOD // 2)
    fixed = [np.full(len(serial), _ALPHANUMERIC.index(c)) for c in type_code + issuer]
    digits = _digits(serial, 11)
    tail = [np.full(len(serial), int(c)) for c in version]
    for column in [*fixed, *digits.T, *tail]:
        check = (_or(check, _MOD) * 2 % (_MOD + 1) + column) % _MOD
    last = np.array(list(_ALPHANUMERIC))[(1 - _or(check, _MOD) * 2 % (_MOD + 1)) % _MOD]
    stem = f"{LICENCE_ROOT}.{type_code}.{issuer}"
    pairs = zip(_joined(digits.astype("U1")), last, strict=True)
    return np.array([f"{stem}.{number}.{version}.{character}" for number, character in pairs], dtype=object)


def with_wrong_check(value: str, alphabet: str) -> str:
    """Return ``value`` with its last character replaced by its neighbour in ``alphabet``.

    Where that would end in three noughts, the mark of a spreadsheet, it is the neighbour's neighbour: one fault, one
    kind.

    >>> with_wrong_check("11010519491231002X", "0123456789X")
    '110105194912310020'
    """
    at = alphabet.index(value[-1]) + 1
    wrong = value[:-1] + alphabet[at % len(alphabet)]
    return value[:-1] + alphabet[(at + 1) % len(alphabet)] if wrong.endswith("000") else wrong
