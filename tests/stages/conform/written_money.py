"""Amounts as departments write them, and what a plain reading of them gives; the oracle of the column expressions."""

import random
import re
from decimal import Decimal

from catalog.model.codes import load_code_list

SCALES = {
    "": 0,
    "百": 2,
    "千": 3,
    "万": 4,
    "十万": 5,
    "百万": 6,
    "千万": 7,
    "亿": 8,
    "十亿": 9,
    "百亿": 10,
    "千亿": 11,
    "万亿": 12,
}
DIGITS, UNITS = "零壹贰叁肆伍陆柒捌玖", ("", "拾", "佰", "仟")
FORMS = (
    "{n}({s}元人民币)", "{n}({s}{c})", "{n}{s}{c}", "{c}{n}{s}", "{n}（{s}{c}）", "{n}({s})", "{n}{s}元",
    "{n}", "{n}()",
    "{spelled}元整", "人民币{spelled}元", "{spelled}{c}", "{spelled}元{j}角{f}分", "{spelled}",
    "({s}{c})", "约{n}{s}元",
)  # fmt: skip
CURRENCIES = (
    "人民币",
    "美元",
    "港币",
    "欧元",
    "日元",
    "香港元",
    "英镑",
    "人民币元",
    "元人民币",
    "USD",
    "卢比",
    "万能币",
)


def words() -> dict[str, str]:
    """Return every word for a currency → its code."""
    found = {"": "", "元": "CNY"}
    for code in load_code_list("currency").codes:
        if code.code.isdigit():
            continue
        meant = code.successor or code.code if code.kind == "fixable" else code.code
        for name in {code.code, code.name} if code.kind == "canonical" else {code.code}:
            found |= {name: meant, f"{name}元": meant, f"元{name}": meant}
    return found


WORDS = words()


def spell(number: int) -> str:
    """Return 1 … 999,999,999,999 in Chinese capitals."""
    text, pending = "", False
    for power in range(len(str(number)) - 1, -1, -1):
        digit = number // 10**power % 10
        if digit:
            text += ("零" if pending and text else "") + DIGITS[digit] + UNITS[power % 4]
            pending = False
        else:
            pending = True
        section = number // 10**power % 10_000
        if power in (4, 8) and (section or (power == 8)):
            text += {4: "万", 8: "亿"}[power]
    return text


def samples(count: int, seed: int = 12406) -> list[str]:
    """Return ``count`` written amounts, half of them damaged."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        number = rng.choice(
            (rng.randrange(10**4), rng.randrange(10**9), round(rng.random() * 10**5, rng.randrange(1, 7)))
        )
        text = rng.choice(FORMS).format(
            n=f"{number:,}" if rng.random() < 0.5 else str(number),
            s=rng.choice(list(SCALES)), c=rng.choice(CURRENCIES),
            spelled=spell(rng.randrange(1, 10 ** rng.randrange(1, 13))),
            j=DIGITS[rng.randrange(1, 10)], f=DIGITS[rng.randrange(1, 10)],
        )  # fmt: skip
        at = rng.randrange(len(text))
        if rng.random() < 0.5:
            text = rng.choice(
                (text[:at] + rng.choice("0123456789,.万元壹()") + text[at + 1 :], text[:at] + text[at + 1 :])
            )
        made.append(text)
    return made


def spelled_value(text: str) -> Decimal | None:
    """Return the value of plain Chinese digits and units by descent: 亿, then 万, then thousands, places in order."""
    if "亿" in text:
        high, low = text.split("亿", 1)
        above, below = spelled_value(high), section_or_less(low.removeprefix("0"))
        return None if above is None or below is None or above >= 10**8 else above * 10**8 + below
    return section_or_less(text) if text and text[0] in "123456789十" else None


def section_or_less(text: str) -> Decimal | None:
    """Return the value of what may stand below 亿; nothing is zero."""
    if "万" in text:
        high, low = text.split("万", 1)
        above, below = section(high), section(low.removeprefix("0"))
        return None if not above or below is None else Decimal(above * 10_000 + below)
    value = section(text)
    return None if value is None else Decimal(value)


def section(text: str) -> int | None:
    """Return the value of a section below 10,000, or None when its places are out of order."""
    total = 0
    for sign, unit in (("千", 1000), ("百", 100)):
        if len(text) >= 2 and text[0] in "123456789" and text[1] == sign:
            total, text = total + int(text[0]) * unit, text[2:]
            text = text[1:] if text.startswith("0") else text
    if text.startswith("十") or (len(text) >= 2 and text[0] in "123456789" and text[1] == "十"):
        total, text = total + (1 if text[0] == "十" else int(text[0])) * 10, text.split("十", 1)[1]
    if text and text[0] in "123456789":
        total, text = total + int(text[0]), text[1:]
    return total if not text else None


def read(text: str) -> tuple[Decimal | None, str | None, str | None]:
    """Return amount, currency and reason that ``text`` states."""
    plain = text.upper().translate(str.maketrans("零壹贰叁肆伍陆柒捌玖拾佰仟（）", "0123456789十百千()"))
    plain = re.sub(r"[() ]", "", plain)
    stripped = plain.lstrip("百千万亿")
    if stripped in WORDS:
        return None, None, None
    number, scale, word, is_spelled = split_figures(plain) or split_spelled(plain) or (None, "", "", False)
    if number is None:
        return None, None, "MONEY_FORMAT"
    if word == "" and not re.search("[万亿]", scale):
        return None, None, "MONEY_UNIT_MISSING"
    currency = WORDS.get(word) or ("CNY" if word == "" else None)
    if currency is None:
        return None, None, "CURRENCY_UNKNOWN"
    exact = number if is_spelled else number * 10 ** SCALES[scale]
    if exact != round(exact, 4):
        return None, currency, "MONEY_PRECISION"
    return (exact, currency, None) if abs(exact) < 10**16 else (None, currency, "MONEY_FORMAT")


def split_figures(plain: str) -> tuple[Decimal, str, str, bool] | None:
    """Return number, scale and currency word of an amount in figures."""
    found = re.search(r"[+\-0-9.,]+", plain)
    if not found or not re.fullmatch(r"[+-]?(\d{1,3}(,\d{3}){1,5}|\d{1,16})(\.\d{1,8})?", found[0]):
        return None
    before, after = plain[: found.start()], plain[found.end() :]
    scale = next((s for s in sorted(SCALES, key=len, reverse=True) if s and after.startswith(s)), "")
    after = re.sub("[整正]$", "", after.removeprefix(scale))
    if re.search(r"[0-9+\-.,十百千万亿]", before + after) or re.search("[角分]", after):
        return None
    return Decimal(found[0].replace(",", "")), scale, before + after, False


def split_spelled(plain: str) -> tuple[Decimal, str, str, bool] | None:
    """Return number, scale and currency word of an amount in Chinese."""
    found = re.search(r"[0-9十百千万亿]+", plain)
    if not found or re.search("[元角分]", plain[: found.start()]):
        return None
    value = spelled_value(found[0])
    rest = re.fullmatch(r"(元([1-9]角)?0?([1-9]分)?)?([^0-9十百千万亿角分]*)", plain[found.end() :])
    if value is None or not rest:
        return None
    tenths, hundredths = (int(part[0]) if part else 0 for part in (rest[2], rest[3]))
    word = ("元" if rest[1] else "") + plain[: found.start()] + re.sub("[整正]$", "", rest[4])
    return value + Decimal(tenths * 10 + hundredths) / 100, found[0], word, True
