"""Company registrations by the million (企业登记行), every value valid, in the forms that departments write.

Made with numpy alone: the check characters are computed here a second time, from the standards and not by the rules
under test. A share of the rows can be spoilt, each in one known way.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from catalog.model.codes import load_code_list

Bytes = NDArray[np.uint8]
USCC_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", np.uint8)
PLAIN_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
USCC_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
CITIZEN_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
FIRST_BIRTH, DAYS_OF_BIRTHS = np.datetime64("1950-01-01"), 18_000
FIRST_REGISTRATION, DAYS_OF_REGISTRATIONS = np.datetime64("1980-01-01"), 16_000
DAYS_OF_YOUTH = 6_575
"""Nobody represents a firm before the age of 18."""
DATE_FORMS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日")
SEX_FORMS = (("2", "女", "F", "02"), ("1", "男", "M", "01"))
NAME_FORMS = ("示范{}有限公司", "示范（{}）商贸有限公司", "阿依·示范{}合作社", "𠮷祥示范{}商行", "ＳＦ示范{}厂")
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x30, 0x5B)})


def companies(rows: int, seed: int = 7, spoilt: float = 0.0, varied: float = 1.0) -> pa.Table:
    """Return registrations as bronze holds them: all text, in the columns of ``legal_entity.bench_company``.

    Args:
        rows: how many.
        seed: the same seed makes the same rows.
        spoilt: share of rows of which one identifier is spoilt by another character.
        varied: share of rows of which names, dates and codes take turns in all their written forms; the others have
            the standard one.
    """
    random = np.random.default_rng(seed)
    divisions = _divisions()[random.integers(0, len(_divisions()), rows)]
    uscc = _uscc(random, rows, divisions)
    births = FIRST_BIRTH + random.integers(0, DAYS_OF_BIRTHS, rows)
    citizens, is_male = _citizens(random, rows, divisions, births)
    if spoilt:
        _spoil(random, uscc, spoilt / 2)
        _spoil(random, citizens, spoilt / 2)
    days = FIRST_REGISTRATION + random.integers(0, DAYS_OF_REGISTRATIONS, rows)
    serial = np.arange(rows)
    turn = np.where(random.random(rows) < varied, serial, 0)
    columns = {
        "uscc": _varied(_texts(uscc), serial, lambda text: text.lower(), lambda text: text.translate(WIDE)),
        "company_name": pa.array([NAME_FORMS[form % 5].format(i) for i, form in enumerate(turn)]),
        "representative_citizen_id": _old_forms(_texts(citizens), births, serial),
        "representative_sex_code": pa.array(
            np.where(is_male, np.array(SEX_FORMS[1])[turn % 4], np.array(SEX_FORMS[0])[turn % 4])
        ),
        "division_code": _texts(divisions),
        "registered_date": _dates(days, turn),
        "enterprise_kind_code": _codes("enterprise_kind", random, turn),
        "currency_code": _codes("currency", random, turn),
    }
    return pa.table(columns | _pipeline_columns(columns["uscc"], rows))


def _pipeline_columns(keys: pa.Array, rows: int) -> dict[str, pa.Array]:
    instant = pa.scalar(datetime(2026, 3, 1, tzinfo=UTC), pa.timestamp("us", "UTC"))
    fixed = {"_batch_id": "bench-20260301-00000000", "_source": "bench", "_source_file": "bench", "_operation": "I"}
    return {
        **{name: pa.repeat(pa.scalar(value), rows) for name, value in fixed.items()},
        "_received_at": pa.repeat(instant, rows),
        "_source_at": pa.repeat(instant, rows),
        "_row_number": pa.array(np.arange(1, rows + 1)),
        "_row_id": pa.array(np.arange(1, rows + 1)),
        "_record_key": keys,
    }


def _divisions() -> Bytes:
    """Return the county-level codes in force today, one row of six characters each."""
    codes = [c.code for c in load_code_list("division").codes if c.kind == "canonical" and not c.valid_to]
    counties = sorted(code for code in codes if not code.endswith("00") and not code.startswith("8"))
    return np.frombuffer("".join(counties).encode(), np.uint8).reshape(-1, 6)


def _uscc(random: np.random.Generator, rows: int, divisions: Bytes) -> Bytes:
    body = USCC_ALPHABET[random.integers(0, len(USCC_ALPHABET), (rows, 8))]
    total = 11 - _places(PLAIN_ALPHABET, body) @ ORGANISATION_WEIGHTS % 11
    check = np.frombuffer(b"_123456789X0", np.uint8)[total]
    stem = np.column_stack([np.full((rows, 2), (ord("9"), ord("1")), np.uint8), divisions, body, check])
    total = (31 - _places(USCC_ALPHABET, stem) @ USCC_WEIGHTS % 31) % 31
    return np.ascontiguousarray(np.column_stack([stem, USCC_ALPHABET[total]]))


def _places(alphabet: Bytes, characters: Bytes) -> NDArray[np.int64]:
    place = np.zeros(256, np.int64)
    place[alphabet] = np.arange(len(alphabet))
    return place[characters]


def _citizens(
    random: np.random.Generator, rows: int, divisions: Bytes, births: NDArray[np.datetime64]
) -> tuple[Bytes, NDArray[np.bool_]]:
    days = np.char.replace(np.datetime_as_string(births, unit="D"), "-", "").astype("S8").view(np.uint8).reshape(-1, 8)
    serial = random.integers(1, 1000, rows)
    numbers = np.column_stack([serial // 100, serial // 10 % 10, serial % 10]).astype(np.uint8) + ord("0")
    stem = np.column_stack([divisions, days, numbers])
    total = (stem.astype(np.int64) - ord("0")) @ CITIZEN_WEIGHTS % 11
    check = np.frombuffer(b"10X98765432", np.uint8)[total]
    return np.ascontiguousarray(np.column_stack([stem, check])), serial % 2 == 1


def _spoil(random: np.random.Generator, identifiers: Bytes, share: float) -> None:
    """Put another digit at the ninth place of some identifiers: a single wrong character never passes the check."""
    chosen = np.flatnonzero(random.random(len(identifiers)) < share)
    old = identifiers[chosen, 8]
    is_digit = (old >= ord("0")) & (old <= ord("9"))
    identifiers[chosen, 8] = np.where(is_digit, (old - ord("0") + 1) % 10 + ord("0"), ord("0"))


def _texts(characters: Bytes) -> pa.Array:
    width = characters.shape[1]
    return pa.array(np.ascontiguousarray(characters).view(f"S{width}").ravel()).cast(pa.string())


def _varied(texts: pa.Array, serial: NDArray[np.int64], *forms: object) -> pa.Array:
    """Return the texts, every hundredth in each of the other ``forms``."""
    values = texts.to_pylist()
    for place, form in enumerate(forms):
        for i in serial[serial % 100 == place]:
            values[i] = form(values[i])  # type: ignore[operator]
    return pa.array(values)


def _old_forms(citizens: pa.Array, births: NDArray[np.datetime64], serial: NDArray[np.int64]) -> pa.Array:
    """Return the numbers, every fiftieth in its form of 15 digits where its century allows."""
    old = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(citizens, 0, 6), pc.utf8_slice_codeunits(citizens, 8, 17), ""
    )
    is_old = pa.array((serial % 50 == 0) & (births < np.datetime64("2000-01-01")))
    return pc.if_else(is_old, old, citizens)


def _dates(days: NDArray[np.datetime64], turn: NDArray[np.int64]) -> pa.Array:
    table = np.array(
        [[day.item().strftime(form) for form in DATE_FORMS] for day in np.unique(days)],
    )
    return pa.array(table[np.searchsorted(np.unique(days), days), turn % len(DATE_FORMS)])


def _codes(name: str, random: np.random.Generator, turn: NDArray[np.int64]) -> pa.Array:
    known = load_code_list(name)
    written = np.array([code.code for code in known.codes if code.kind != "ignored"])
    standard = np.array(sorted(known.canonical_codes))
    of_all, of_standard = (codes[random.integers(0, len(codes), len(turn))] for codes in (written, standard))
    return pa.array(np.where(turn > 0, of_all, of_standard))


def standard_companies(rows: int, seed: int = 7, spoilt: float = 0.0) -> pa.Table:
    """Return registrations as silver holds them: standard values in their types, every one valid unless spoilt.

    Args:
        rows: how many.
        seed: the same seed makes the same rows.
        spoilt: share of rows of which one identifier is spoilt by another character.
    """
    random = np.random.default_rng(seed)
    divisions = _divisions()[random.integers(0, len(_divisions()), rows)]
    uscc = _uscc(random, rows, divisions)
    births = FIRST_BIRTH + random.integers(0, DAYS_OF_BIRTHS, rows)
    citizens, is_male = _citizens(random, rows, divisions, births)
    if spoilt:
        _spoil(random, uscc, spoilt / 2)
        _spoil(random, citizens, spoilt / 2)
    days = np.maximum(FIRST_REGISTRATION + random.integers(0, DAYS_OF_REGISTRATIONS, rows), births + DAYS_OF_YOUTH)
    columns = {
        "uscc": _texts(uscc),
        "organisation_code": _texts(uscc[:, 8:17].copy()),
        "company_name": pa.array([f"示范{i}有限公司" for i in range(rows)]),
        "representative_citizen_id": _texts(citizens),
        "representative_sex_code": pa.array(np.where(is_male, "1", "2")),
        "birth_date": pa.array(births),
        "division_code": _texts(divisions),
        "registered_date": pa.array(days),
        "valid_to_date": pa.array(days + random.integers(0, 3650, rows)),
        "enterprise_kind_code": _canonical("enterprise_kind", random, rows),
        "currency_code": _canonical("currency", random, rows),
        "capital": pa.array(random.integers(1, 10**9, rows)).cast(pa.decimal128(23, 4)).cast(pa.decimal128(20, 4)),
        "record_no": pa.array(np.arange(rows) + rows * seed),
    }
    return pa.table(columns)


def _canonical(name: str, random: np.random.Generator, rows: int) -> pa.Array:
    codes = np.array(sorted(load_code_list(name).canonical_codes))
    return pa.array(codes[random.integers(0, len(codes), rows)])
