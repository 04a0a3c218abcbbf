"""Dates as departments write them, and what a plain reading of them gives; the oracle of the column expressions."""

import random
import re
from datetime import date, timedelta

OPEN = ("长期", "长期有效", "永久", "永久有效", "无固定期限", "无限期")
NONE = ("0001-01-01", "9999-12-31", "1900-01-00", "0000-00-00", "1899-12-30", "")
CHINESE = "〇一二三四五六七八九"
FORMS = (
    "{y}-{m}-{d}", "{y}-{m:02}-{d:02}", "{y}{m:02}{d:02}", "{y}年{m}月{d}日", "{y}/{m}/{d}", "{y}.{m:02}.{d:02}",
    "{y}年{m:02}月{d:02}号", "{y}-{m:02}-{d:02} 00:00:00", "{y}/{m}/{d} 0:00", "{y}、{m}、{d}", "{y}{m:02}{d:02}000000",
    "{y}年 {m}月 {d}日", "{y}-{m:02}-{d:02}T00:00:00.000+08:00", "{cy}年{cm}月{cd}日", "{s}", "{s}.0", "{y}年{m}月",
    "{y}{m:02}", "{y}-{m:02}", "{yy:02}-{m}-{d}", "{yy:02}年{m}月{d}日", "{y}", "{m}/{d}/{y}",
)  # fmt: skip


def in_chinese(number: int) -> str:
    """Return 1–31 as 一, 十, 十二, 二十, 三十一."""
    tens, ones = divmod(number, 10)
    return ("" if not tens else "十" if tens == 1 else f"{CHINESE[tens]}十") + (CHINESE[ones] if ones else "")


def write(day: date, form: str) -> str:
    """Return ``day`` in ``form``."""
    spelled = "".join(CHINESE[int(c)] for c in str(day.year))
    return form.format(
        y=day.year, m=day.month, d=day.day, yy=day.year % 100, s=(day - date(1899, 12, 30)).days,
        cy=spelled, cm=in_chinese(day.month), cd=in_chinese(day.day),
    )  # fmt: skip


def damage(text: str, rng: random.Random) -> str:
    """Return ``text`` with one character changed, dropped or added, or as it is."""
    if not text or rng.random() < 0.5:
        return text
    at = rng.randrange(len(text))
    return rng.choice((text[:at] + rng.choice("0123456789-/.年x？") + text[at + 1 :], text[:at] + text[at + 1 :]))


def samples(count: int, seed: int = 7408) -> list[str]:
    """Return ``count`` written dates, half of them damaged."""
    rng = random.Random(seed)
    days = (date(1890, 1, 1) + timedelta(days=rng.randrange(65_000)) for _ in range(count))
    texts = [write(day, rng.choice(FORMS)) for day in days]
    return [damage(t, rng) for t in texts] + list(OPEN) + list(NONE)


def number_of(text: str) -> int | None:
    """Return a whole number in digits or in Chinese up to 99."""
    if text.isascii():
        return int(text)
    for number in range(1, 100):
        if in_chinese(number) == text:
            return number
    return None


def read(text: str) -> tuple[date | None, str | None]:
    """Return the day that ``text`` states and the reason when it states none, form by form."""
    text = text.replace("？", "?").strip()
    if text in OPEN or not text:
        return None, None
    text = re.sub(r"[ T]0?0:00(:00(\.0+)?)?(Z|\+08:?00)?$", "", text)
    if re.fullmatch(r"\d{14}", text) and text.endswith("000000"):
        text = text[:8]
    if serial := re.fullmatch(r"(\d{5})(\.\d{1,12})?", text):
        number = int(serial[1])
        if 21_917 <= number <= 55_153:
            return date(1899, 12, 30) + timedelta(days=number), None
        return None, "DATE_SERIAL_IMPLAUSIBLE"
    if any(c in CHINESE + "十" for c in text):
        if re.search("[0-9〇]十|十[0-9〇]", text):
            return None, "DATE_FORMAT"
        text = re.sub(r"[一二三四五六七八九]?十[一二三四五六七八九]?", lambda m: str(number_of(m[0])), text)
        text = "".join(str(CHINESE.index(c)) if c in CHINESE else c for c in text)
    text = re.sub(r"[年月/.、]", "-", re.sub(r"[日号 ]", "", text))
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if re.fullmatch(r"\d{4}-(0?[1-9]|1[0-2])-?|(19|20)\d\d(0[1-9]|1[0-2])", text):
        return None, "DATE_DAY_MISSING"
    if re.fullmatch(r"\d\d-\d\d?-\d\d?", text):
        if text < "5":
            return None, "DATE_CENTURY_MISSING"
        text = f"19{text}"
    parts = re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", text)
    if not parts:
        return None, "DATE_FORMAT"
    year, month, day = (int(part) for part in parts.groups())
    if f"{year:04}-{month:02}-{day:02}" in (*NONE, "1899-12-31"):
        return None, None
    try:
        return date(year, month, day), None
    except ValueError:
        return None, "DATE_IMPOSSIBLE"
