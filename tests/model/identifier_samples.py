"""Generated and damaged identifiers, the same for every run: what departments write, right and wrong."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, division, licence_id, organisation_code, registration_number, uscc

COUNT = 100_000
SEED = 11643
_STRANGE = "0123456789XxOISVZabk １９Ａ．－—-./*?\ufffd\u200b\u3000'\n\t无证𠮷"
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_WHOLE = (
    None, "", " ", "　", "/", "-", "——", "无", "空", "null", "N/A", "0", "9.14E+17", "9.1E+17", "3.7E17", "5.1E+5",
    "REDACTED-ID", "非独立法人", "6217?????", "51010*********1234", "135XXXXXXXX", "91350100M000100Y43", "73513098—1",
    "735130981", "510104123456786", "11010519491231002X", "915101070549352000", "510107", "110103", "510107001002",
    "110105000002291234", "1234567890123456789012345", "0" * 18, "9" * 18, "X" * 18, "+1010519491231002X",
    "1.2.156.3005.2.",
    "1.2.156.3005.2.11100000000013338W011.430000.20230000403.001.U",
)  # fmt: skip
"""Values that are no damaged identifier of the column's own kind."""

_YEARS = ("0000", "0001", "1900", "2000", "2023", "9999")
_DAYS = ("0229", "0230", "0431", "1301", "0000")


def _prefixes() -> list[str]:
    return sorted({code.code for code in load_code_list("division").codes})


def _citizen_id(rng: random.Random, prefixes: list[str]) -> str:
    born = date(1900, 1, 1) + timedelta(days=rng.randrange(46_000))
    prefix = rng.choice((*citizen_id.PERMITS, "810101", "519999")) if rng.random() < 0.05 else rng.choice(prefixes)
    if rng.random() < 0.1:
        return f"{prefix}{born:%y%m%d}{rng.randrange(1000):03}"
    text = f"{born:%Y%m%d}"
    if rng.random() < 0.1:
        text = rng.choice(_YEARS) + rng.choice(_DAYS)
    first = f"{prefix}{text}{rng.randrange(1000):03}"
    return first + citizen_id.check_character(first)


def _uscc(rng: random.Random, prefixes: list[str]) -> str:
    head = rng.choice(("91", "92", "93", "11", "12", "51", "52", "N2", "A1", "Y1")) + rng.choice(prefixes)
    alphabet = "0123456789" if rng.random() < 0.3 else uscc.ALPHABET
    first = head + "".join(rng.choices(alphabet, k=9))
    return first + uscc.check_character(first)


def _organisation_code(rng: random.Random, prefixes: list[str]) -> str:
    body = "".join(rng.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=8))
    return body + rng.choice(("", "-", "－", "—")) + organisation_code.check_character(body)


def _registration_number(rng: random.Random, prefixes: list[str]) -> str:
    first = f"{rng.choice(prefixes)}{rng.randrange(10**8):08}"
    return first + registration_number.check_digit(first)


def _licence_id(rng: random.Random, prefixes: list[str]) -> str:
    serial = f"{rng.randrange(10 ** rng.randrange(1, 12))}{rng.choice(('', 'A', 'Z9'))}"
    parts = ("11100000000013338W011", _uscc(rng, prefixes), serial, f"{rng.randrange(1000):03}")
    return f"{licence_id.ROOT}.{'.'.join(parts)}.{licence_id.check_character(*parts)}"


def _division(rng: random.Random, prefixes: list[str]) -> str:
    return f"{rng.randrange(10**6):06}" if rng.random() < 0.3 else rng.choice(prefixes)


_MADE: dict[str, Callable[[random.Random, list[str]], str]] = {
    "citizen_id": _citizen_id,
    "uscc": _uscc,
    "organisation_code": _organisation_code,
    "registration_number": _registration_number,
    "licence_id": _licence_id,
    "division": _division,
}
HEADINGS = {
    "citizen_id": citizen_id.HEADINGS,
    "uscc": uscc.HEADINGS,
    "organisation_code": organisation_code.HEADINGS,
    "registration_number": registration_number.HEADINGS,
    "licence_id": licence_id.HEADINGS,
    "division": division.HEADINGS,
}


def damaged(value: str, rng: random.Random) -> str:
    """Return ``value`` as somebody or something might have spoilt it."""
    at = rng.randrange(len(value))
    other = rng.randrange(len(value))
    low, high = sorted((at, other))
    ways = (
        value[:at] + rng.choice(_STRANGE) + value[at + 1 :],
        value[:at] + value[at + 1 :],
        value[:at] + rng.choice(_STRANGE) + value[at:],
        value[:low] + value[high : high + 1] + value[low + 1 : high] + value[low : low + 1] + value[high + 1 :],
        value[:15] + "0" * (len(value) - 15),
        value.translate(_WIDE),
        f" {value.lower()}．",
        f"'{value[:4]} {value[4:8]} {value[8:]}",
        value[: len(value) // 2] + "?" * (len(value) - len(value) // 2),
        value + value[-1],
    )
    return rng.choice(ways)


def samples(name: str, count: int = COUNT) -> Iterator[str | None]:
    """Return ``count`` raw values of a column that should hold the identifier: half of them right, the rest not."""
    rng = random.Random(f"{SEED} {name}")
    prefixes, whole = _prefixes(), (*_WHOLE, *HEADINGS[name])
    yield from whole
    for _ in range(count - len(whole)):
        value = _MADE[name](rng, prefixes)
        draw = rng.random()
        yield value if draw < 0.5 else rng.choice(whole) if draw < 0.52 else damaged(value, rng)
