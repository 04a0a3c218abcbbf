"""The rules of ``legal_entity.bench_company`` as others write them: Python UDFs, pandas UDFs, SQL of DuckDB.

Each gives the eight standard values and ``is_sound``. All but SQL are sent to the workers by value.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date

import duckdb
import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, uscc

COLUMNS = (
    "uscc", "company_name", "representative_citizen_id", "representative_sex_code", "division_code", "registered_date",
    "enterprise_kind_code", "currency_code",
)  # fmt: skip
LISTS = {"representative_sex_code": "sex", "enterprise_kind_code": "enterprise_kind", "currency_code": "currency"}
WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u00a0"
NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + "  "
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\r\n\t\0"
DIVISIONS = frozenset(load_code_list("division").canonical_codes)
EVER_DIVISIONS = frozenset(code.code for code in load_code_list("division").codes)
CANONICAL = {column: frozenset(load_code_list(name).canonical_codes) for column, name in LISTS.items()}
FIXES = {column: load_code_list(name).fixes for column, name in LISTS.items()}
IGNORED = {column: load_code_list(name).ignored for column, name in LISTS.items()}
WIDTHS = {ord(wide): narrow for wide, narrow in zip(WIDE, NARROW, strict=True)} | dict.fromkeys(map(ord, INVISIBLE))
DOTS = dict.fromkeys(map(ord, "•‧∙⋅・．｡。"), "·")
WEIGHTS, CHECKS = citizen_id.WEIGHTS, citizen_id.CHECK_CHARACTERS
USCC_WEIGHTS, ALPHABET = uscc.WEIGHTS, uscc.ALPHABET
USCC_FORM, CITIZEN_FORM = uscc.PATTERN.replace(r"\z", r"\Z"), citizen_id.PATTERN.replace(r"\z", r"\Z")
OUTPUT = ", ".join(f"{c} {'date' if c == 'registered_date' else 'string'}" for c in COLUMNS) + ", is_sound boolean"
"""Schema that every peer gives."""


def python_udf(rows: DataFrame) -> DataFrame:
    """Return the conformed rows, one call of a Python function a row."""
    constants = (WIDTHS, DOTS, DIVISIONS, EVER_DIVISIONS, CANONICAL, FIXES, IGNORED)
    conform = F.udf(_row_function(*constants), f"struct<{OUTPUT.replace(' ', ':').replace(',:', ',')}>")
    return rows.select(conform(*COLUMNS).alias("row")).select("row.*")


def _row_function(
    widths: dict[int, str | None], dots: dict[int, str], divisions: frozenset[str], ever: frozenset[str],
    canonical: dict[str, frozenset[str]], fixes: dict[str, dict[str, str]], ignored: dict[str, frozenset[str]],
) -> Callable[..., tuple[object, ...]]:  # fmt: skip
    weights, checks, uscc_weights, alphabet = WEIGHTS, CHECKS, USCC_WEIGHTS, ALPHABET
    places = {character: place for place, character in enumerate(alphabet)}
    uscc_form, citizen_form = re.compile(USCC_FORM), re.compile(CITIZEN_FORM)

    def clean(raw: str | None) -> str | None:
        return (raw.translate(widths).strip(" ") or None) if raw is not None else None

    def check_of(number: str) -> str:
        return checks[sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11]

    def day_of(text: str) -> date | None:
        try:
            year, month, day = (int(part) for part in text.split("-"))
            return date(year, month, day)
        except ValueError:
            return None

    def code_of(column: str, raw: str | None) -> tuple[str | None, bool]:
        text = clean(raw)
        text = None if text in ignored[column] else fixes[column].get(text or "", text)
        return text, text is None or text in canonical[column]

    def conform(
        raw_uscc: str, raw_name: str, raw_citizen: str, raw_sex: str, raw_division: str, raw_day: str, raw_kind: str,
        raw_currency: str,
    ) -> tuple[object, ...]:  # fmt: skip
        code = (clean(raw_uscc) or "").upper()
        total = sum(places.get(c, 0) * w for c, w in zip(code, uscc_weights, strict=False))
        sound = bool(uscc_form.match(code)) and alphabet[(31 - total % 31) % 31] == code[17]
        name = re.sub("(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])", "", (clean(raw_name) or "").translate(dots))
        number = (clean(raw_citizen) or "").upper()
        if len(number) == 15 and number.isdigit():
            number = f"{number[:6]}19{number[6:]}"
            number += check_of(number)
        if citizen_form.match(number):
            born = day_of(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
            sound = sound and born is not None and check_of(number) == number[17] and number[:6] in ever
        else:
            sound = False
        sex, is_known = code_of("representative_sex_code", raw_sex)
        agrees = sex not in ("1", "2") or not number[16:17].isdigit() or int(number[16]) % 2 == int(sex) % 2
        division = clean(raw_division)
        text = re.sub(r"[ T]00:00(:00(\.0+)?)?\Z", "", clean(raw_day) or "")
        for mark in "年月/.":
            text = text.replace(mark, "-")
        text = text.replace("日", "")
        day = day_of(re.sub(r"\A([0-9]{4})([0-9]{2})([0-9]{2})\Z", r"\1-\2-\3", text))
        kind, is_kind = code_of("enterprise_kind_code", raw_kind)
        currency, is_currency = code_of("currency_code", raw_currency)
        sound = sound and is_known and agrees and is_kind and is_currency and division in divisions and day is not None
        return code, name, number, sex, division, day, kind, currency, sound

    return conform


def pandas_udf(rows: DataFrame) -> DataFrame:
    """Return the conformed rows, by pandas and numpy on batches of Arrow."""
    constants = (WIDTHS, DOTS, DIVISIONS, EVER_DIVISIONS, CANONICAL, FIXES, IGNORED)
    return rows.select(*COLUMNS).mapInPandas(_batch_function(*constants), OUTPUT)


def _batch_function(
    widths: dict[int, str | None], dots: dict[int, str], divisions: frozenset[str], ever: frozenset[str],
    canonical: dict[str, frozenset[str]], fixes: dict[str, dict[str, str]], ignored: dict[str, frozenset[str]],
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:  # fmt: skip
    weights, checks = np.array(WEIGHTS), np.frombuffer(CHECKS.encode(), np.uint8)
    uscc_weights, alphabet = np.array(USCC_WEIGHTS), np.frombuffer(ALPHABET.encode(), np.uint8)
    place = np.zeros(256, np.int64)
    place[alphabet] = np.arange(len(alphabet))
    uscc_form, citizen_form = USCC_FORM, CITIZEN_FORM

    def clean(texts: pd.Series) -> pd.Series:
        return texts.str.translate(widths).str.strip(" ")

    def characters(texts: pd.Series, width: int) -> np.ndarray:
        fixed = texts.str.encode("ascii", "replace").to_numpy().astype(f"S{width}")
        return fixed.view(np.uint8).reshape(-1, width)

    def citizen_checks(numbers: np.ndarray) -> np.ndarray:
        return checks[(numbers[:, :17].astype(np.int64) - 48) @ weights % 11]

    def conform(batch: pd.DataFrame) -> pd.DataFrame:
        out = {column: clean(batch[column]) for column in batch.columns}
        out["uscc"] = out["uscc"].str.upper()
        codes = characters(out["uscc"], 18)
        total = (31 - place[codes[:, :17]] @ uscc_weights % 31) % 31
        sound = out["uscc"].str.match(uscc_form).to_numpy() & (alphabet[total] == codes[:, 17])
        out["company_name"] = (
            out["company_name"].str.translate(dots)
            .str.replace("(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])", "", regex=True)
        )  # fmt: skip
        number = out["representative_citizen_id"].str.upper()
        is_old = number.str.fullmatch("[0-9]{15}").to_numpy()
        stems = number[is_old].str.slice(0, 6) + "19" + number[is_old].str.slice(6)
        number[is_old] = stems + pd.Series([chr(c) for c in citizen_checks(characters(stems, 17))], index=stems.index)
        out["representative_citizen_id"] = number
        digits = characters(number, 18)
        born = pd.to_datetime(number.str.slice(6, 14), format="%Y%m%d", errors="coerce")
        sound &= number.str.match(citizen_form).to_numpy() & born.notna().to_numpy()
        sound &= (citizen_checks(digits) == digits[:, 17]) & number.str.slice(0, 6).isin(ever).to_numpy()
        for column, known in canonical.items():
            mended = out[column].replace(fixes[column])
            out[column] = mended.where(~mended.isin(ignored[column]), None)
            sound &= (out[column].isna() | out[column].isin(known)).to_numpy()
        sex = out["representative_sex_code"]
        expected = np.where(digits[:, 16] % 2 == 1, "1", "2")
        sound &= ~(sex.isin(["1", "2"]).to_numpy() & (sex.to_numpy() != expected))
        sound &= out["division_code"].isin(divisions).to_numpy()
        text = out["registered_date"].str.replace(r"[ T]00:00(:00(\.0+)?)?\Z", "", regex=True)
        text = text.str.translate({**dict.fromkeys(map(ord, "年月/."), "-"), ord("日"): None})
        text = text.str.replace(r"\A([0-9]{4})([0-9]{2})([0-9]{2})\Z", r"\1-\2-\3", regex=True)
        days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
        out["registered_date"] = days.dt.date
        return pd.DataFrame(out).assign(is_sound=sound & days.notna().to_numpy())

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield conform(frame)

    return batches


def by_duckdb(source: str, target: str, threads: int) -> int:
    """Conform the Parquet files ``source`` into ``target`` by DuckDB; return the number of sound rows."""
    with duckdb.connect(config={"threads": threads}) as connection:
        for name, codes in (("divisions", DIVISIONS), ("ever_divisions", EVER_DIVISIONS)):
            listed = pd.DataFrame({"code": sorted(codes)})
            connection.register(f"{name}_frame", listed)
            connection.execute(f"CREATE TABLE {name} AS FROM {name}_frame")
        files = connection.read_parquet(source)
        conformed = files.query("raw", _sql())
        conformed.write_parquet(target)
        found = connection.execute("SELECT count(*) FROM read_parquet(?) WHERE is_sound", [target])
        return int(found.fetchall()[0][0])


def _sql() -> str:
    """Return the rules as DuckDB's SQL over ``raw``."""
    wide, narrow = WIDE + INVISIBLE, NARROW
    cleaned = ", ".join(f"nullif(trim(translate({c}, {_quoted(wide)}, {_quoted(narrow)})), '') AS {c}" for c in COLUMNS)
    digit = "(ascii(substr({}, {}, 1)) - 48)"
    weighted = " + ".join(f"{digit.format('number', i + 1)} * {w}" for i, w in enumerate(WEIGHTS))
    old = [f"substr(citizen, {i}, 1)" for i in range(1, 7)] + ["'1'", "'9'"]
    old += [f"substr(citizen, {i}, 1)" for i in range(7, 16)]
    old_sum = " + ".join(f"(ascii({c}) - 48) * {w}" for c, w in zip(old, WEIGHTS, strict=True))
    upgraded = f"substr(citizen, 1, 6) || '19' || substr(citizen, 7) || substr('{CHECKS}', ({old_sum}) % 11 + 1, 1)"
    total = " + ".join(
        f"(strpos('{ALPHABET}', substr(uscc, {i + 1}, 1)) - 1) * {w}" for i, w in enumerate(USCC_WEIGHTS)
    )
    born = "try_cast(substr(number, 7, 4) || '-' || substr(number, 11, 2) || '-' || substr(number, 13, 2) AS date)"
    day = (
        "regexp_replace(translate(regexp_replace(registered_date, '[ T]00:00(:00(\\.0+)?)?$', ''), '年月/.日', '----'),"
    )
    day = f"try_cast({day} '^([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})$', '\\1-\\2-\\3') AS date)"
    gap = "([^\\x00-\\x7f]) +([^\\x00-\\x7f])"
    name = f"regexp_replace(translate(company_name, '•‧∙⋅・．｡。', '········'), '{gap}', '\\1\\2', 'g')"
    codes = ", ".join(f"{_case(c)} AS {c}" for c in LISTS)
    known = " AND ".join(f"({c} IS NULL OR {c} IN ({_listed(CANONICAL[c])}))" for c in LISTS)
    sex = "CASE WHEN ascii(substr(number, 17, 1)) % 2 = 1 THEN '1' ELSE '2' END"
    return f"""
    WITH cleaned AS (SELECT {cleaned} FROM raw),
    upper_case AS (SELECT * REPLACE (upper(uscc) AS uscc), upper(representative_citizen_id) AS citizen FROM cleaned),
    standard AS (SELECT uscc, {name} AS company_name, division_code, {day} AS registered_date, {codes},
        CASE WHEN regexp_full_match(citizen, '[0-9]{{15}}') THEN {upgraded} ELSE citizen END AS number FROM upper_case)
    SELECT uscc, company_name, number AS representative_citizen_id, representative_sex_code, division_code,
        registered_date, enterprise_kind_code, currency_code,
        coalesce(regexp_full_match(uscc, '[0-9A-HJ-NPQRTUWXY]{{2}}[0-9]{{6}}[0-9A-HJ-NPQRTUWXY]{{10}}')
        AND substr('{ALPHABET}', (31 - ({total}) % 31) % 31 + 1, 1) = substr(uscc, 18, 1)
        AND regexp_full_match(number, '[0-9]{{17}}[0-9X]') AND {born} IS NOT NULL
        AND substr('{CHECKS}', ({weighted}) % 11 + 1, 1) = substr(number, 18, 1)
        AND substr(number, 1, 6) IN (SELECT code FROM ever_divisions)
        AND division_code IN (SELECT code FROM divisions) AND registered_date IS NOT NULL AND {known}
        AND (representative_sex_code NOT IN ('1', '2') OR representative_sex_code IS NULL
             OR representative_sex_code = {sex}), false) AS is_sound FROM standard"""  # noqa: S608 - constants of this file


def _case(column: str) -> str:
    fixes = "".join(f" WHEN {_quoted(wrong)} THEN {_quoted(right)}" for wrong, right in FIXES[column].items())
    ignored = "".join(f" WHEN {_quoted(code)} THEN NULL" for code in IGNORED[column])
    return f"CASE {column}{fixes}{ignored} ELSE {column} END" if fixes or ignored else column


def _listed(codes: frozenset[str]) -> str:
    return ", ".join(map(_quoted, sorted(codes)))


def _quoted(text: str) -> str:
    """Return a text as DuckDB's SQL, every character beyond printing ASCII by its number."""
    parts = [f"chr({ord(c)})" if not c.isprintable() or c in "'\\" else f"'{c}'" for c in text]
    return "(" + " || ".join(parts) + ")" if len(parts) != 1 else parts[0]
