"""Money with its unit in one text (金额与单位), as column expressions: an amount in the currency's unit, its ISO code.

Clean text becomes ``number|scale|word``, then ``number|power of ten|CNY|``; what cannot be read keeps its own form,
without strokes. The two columns of one text share these steps.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from jobs.runtime.standards.cleaning import upper_cleaned
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.rule import Rule, first_of

_SCALES = {
    "": "0", "spelled": "0", "十": "1", "百": "2", "千": "3", "万": "4", "十万": "5", "百万": "6", "千万": "7",
    "亿": "8", "十亿": "9", "百亿": "10", "千亿": "11", "万亿": "12",
}  # fmt: skip
"""Scale word → power of ten."""
_SPELLED = "spelled"
"""Scale of a number that was written in Chinese and holds 万 or 亿; it is worked out already."""
_CAPITALS = "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖两拾佰仟萬億圆圓"
_PLAIN = "001234567891234567892十百千万亿元元"
_DROPPED = " |:;()[]【】〔〕{}"
_NONE = r"\A(?:N/?A|NULL|无|暂无|不详|未知|未公示|-+|—+|/|\\|\?+)\z"
"""What stands for no amount."""
_NUMBER = r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,16})(?:\.[0-9]{1,8})?"
_FIGURES = (
    rf"\A([^0-9+\-.,十百千万亿]*?)({_NUMBER})(万亿|千亿|百亿|十亿|亿|千万|百万|十万|万|千|百)?"
    r"([^0-9+\-.,十百千万亿角分]*?)[整正]?\z"
)
_SECTION = r"(?:[1-9]千0?)?(?:[1-9]百0?)?(?:[1-9]?十)?[1-9]?"
_SPELLED_NUMBER = (
    rf"(?=[1-9十])(?:(?:(?=[1-9十]){_SECTION}万0?)?{_SECTION}亿0?)?(?:(?=[1-9十]){_SECTION}万0?)?{_SECTION}"
    r"(?:元(?:[1-9]角)?0?(?:[1-9]分)?)?"
)
_SPELLED_OUT = rf"\A([^0-9十百千万亿元角分]*?)({_SPELLED_NUMBER})([^0-9十百千万亿角分]*?)[整正]?\z"
_UNKNOWN = "?"


def _currency_words() -> dict[str, str]:
    """Return how currencies are written, with and without 元, → the ISO code; the home currency first."""
    codes = [c for c in load_code_list("currency").codes if not c.code.isdigit()]
    words: dict[str, str] = {"元": "CNY"}
    for code in codes:
        meant = code.successor if code.kind == "fixable" else code.code
        for word in (code.code, code.name) if code.kind == "canonical" else (code.code,):
            words |= {word: meant, f"{word}元": meant, f"元{word}": meant}
    return words


_WORDS = _currency_words()
_UNIT_ALONE = rf"\A[百千万亿]*(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})?\z"


def _text(raw: Column) -> Column:
    """Return the text in plain digits, without brackets; null when it states no amount."""
    text = F.translate(upper_cleaned(raw), _CAPITALS + _DROPPED, _PLAIN)
    return F.when(~text.rlike(_NONE) & ~text.rlike(_UNIT_ALONE), text)


def _spelled(text: Column) -> Column:
    """Return ``number|scale|word`` of a number written in Chinese."""
    number = F.regexp_extract(text, _SPELLED_OUT, 2)
    word = F.concat(F.regexp_extract(text, _SPELLED_OUT, 1), F.regexp_extract(text, _SPELLED_OUT, 3))
    unit = F.when(number.contains("元"), F.lit("元")).otherwise(F.lit(""))
    scale = F.when(number.rlike("[万亿]"), F.lit(_SPELLED)).otherwise(F.lit(""))
    return F.concat_ws("|", _worked_out(number), scale, F.concat(unit, word))


def _worked_out(number: Column) -> Column:
    """Return a Chinese number (``5千3百02万`` with 角 and 分) as digits with a decimal point."""

    def count(value: Column | int) -> Column:
        return (F.lit(value) if isinstance(value, int) else value).cast("bigint")

    def state(total: Column, section: Column, digit: Column, cents: Column) -> Column:
        return F.struct(total.alias("total"), section.alias("section"), digit.alias("digit"), cents.alias("cents"))

    zero = count(0)

    def step(so_far: Column, character: Column) -> Column:
        total, section, digit, cents = (so_far[name] for name in ("total", "section", "digit", "cents"))
        figure = character.try_cast("bigint")
        unit = looked_up({"十": "10", "百": "100", "千": "1000"}, character).try_cast("bigint")
        stated = total + section + digit
        return (
            F.when(figure.isNotNull(), state(total, section, figure, cents))
            .when(unit.isNotNull(), state(total, section + F.greatest(digit, count(1)) * unit, zero, cents))
            .when(character == "万", state(total + (section + digit) * 10_000, zero, zero, cents))
            .when(character == "亿", state(stated * 100_000_000, zero, zero, cents))
            .when(character == "元", state(stated, zero, zero, cents))
            .when(character == "角", state(total, section, zero, cents + digit * 10))
            .otherwise(state(total, section, zero, cents + digit))
        )

    def written(end: Column) -> Column:
        whole = (end["total"] + end["section"] + end["digit"]).cast("string")
        return F.concat(whole, F.lit("."), F.lpad(end["cents"].cast("string"), 2, "0"))

    return F.aggregate(F.split(number, ""), state(zero, zero, zero, zero), step, written)


def _with_currency(text: Column) -> Column:
    """Return ``number|scale|word`` with the power of ten and the ISO code, and a last field for what was assumed."""
    number, scale, word = (_field(text, i) for i in (1, 2, 3))
    code = F.coalesce(looked_up(_WORDS, word), F.lit(_UNKNOWN))
    without = F.when(scale.rlike(f"[万亿]|{_SPELLED}"), F.lit("CNY|assumed")).otherwise(F.lit("|"))
    currency = F.when(word == "", without).otherwise(F.concat(code, F.lit("|")))
    figures = F.translate(number, ",", "")
    read = F.concat_ws("|", figures, looked_up(_SCALES, scale), currency)
    return F.when(text.contains("|"), read).otherwise(text)


def _field(text: Column, index: int) -> Column:
    return F.split_part(text, F.lit("|"), F.lit(index))


def _currency(text: Column) -> Column:
    code = _field(text, 3)
    return F.when(text.contains("|") & (F.length(code) == 3), code)


def _exact(text: Column) -> Column:
    """Return number times scale, exactly; null where number or currency cannot be read."""
    number = F.concat(_field(text, 1), F.lit("E"), _field(text, 2))
    return F.when(text.contains("|") & (F.length(_field(text, 3)) == 3), number.try_cast("decimal(38,8)"))


def _unread(text: Column) -> list[tuple[Column, str]]:
    return [
        (text.isNull(), ""),
        (~text.contains("|"), "MONEY_FORMAT"),
        (_field(text, 3) == "", "MONEY_UNIT_MISSING"),
        (_field(text, 3) == _UNKNOWN, "CURRENCY_UNKNOWN"),
    ]


def _amount(text: Column) -> Column:
    """Return the amount, never rounded."""
    exact = _exact(text)
    amount = exact.try_cast("decimal(20,4)")
    return F.when(amount == exact, amount)


def _amount_problem(text: Column, value: Column) -> Column:
    is_too_large = _exact(text).try_cast("decimal(20,4)").isNull()
    return first_of(
        *_unread(text), (value.isNotNull(), ""), (is_too_large, "MONEY_FORMAT"), (value.isNull(), "MONEY_PRECISION")
    )


_STEPS = (
    lambda text: F.regexp_replace(text, _FIGURES, "$2|$3|$1$4"),
    lambda text: F.when(~text.contains("|") & text.rlike(_SPELLED_OUT), _spelled(text)).otherwise(text),
    _with_currency,
)
MONEY_AMOUNT = Rule(
    "money.amount",
    text=_text,
    refined=_STEPS,
    value=_amount,
    problem=_amount_problem,
    written=lambda value: value.cast("string"),
)
"""An amount (金额) in the currency's own unit: ``9(万元人民币)`` is 90000."""
MONEY_CURRENCY = Rule(
    "money.currency",
    text=_text,
    refined=_STEPS,
    value=_currency,
    problem=lambda text, value: first_of(*_unread(text)),
    forms=lambda text: ((text.endswith("|assumed"), "money.currency_assumed"),),
)
"""The currency (币种) of the same text, after GB/T 12406; 万 and 亿 without any is renminbi, by an id of its own."""
