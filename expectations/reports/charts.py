"""Plots as SVG made here (图表): no script, nothing loaded; every mark has a title, every text both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

INK, QUIET, GRID = "#1c2733", "#5d6b7a", "#e3e8ee"
BLUE, TEAL, AMBER, RED = "#3b6ea5", "#1d8a7a", "#d08a1d", "#c0432f"
_GOOD, _FAIR = 0.95, 0.80


@dataclass(frozen=True)
class Bar:
    """One horizontal bar."""

    zh: str
    en: str
    value: float
    """Length."""
    told: str
    """What stands at its end."""
    colour: str = BLUE


@dataclass(frozen=True)
class Column:
    """One delivery in the chart of deliveries."""

    label: str
    rows: int
    dirty: int


def horizontal_bars(bars: Sequence[Bar], *, most: float | None = None, width: int = 640, label: int = 250) -> Markup:
    """Return bars with their names to the left and what they tell at their end.

    Args:
        bars: from top to bottom.
        most: value of a full bar; default the longest.
        width: pixels.
        label: pixels of the names.
    """
    if not bars:
        return Markup("")
    step, full = 30, most or max(bar.value for bar in bars) or 1
    room = width - label - 92
    parts = []
    for place, bar in enumerate(bars):
        top, length = place * step, max(2.0, room * min(bar.value / full, 1)) if bar.value > 0 else 0
        parts.append(
            Markup(
                '<g><title>{} / {}: {}</title><text x="{}" y="{}" text-anchor="end" class="name zh">{}</text>'
            ).format(bar.zh, bar.en, bar.told, label - 12, top + 19, _cut(bar.zh, label // 14))
            + Markup('<text x="{}" y="{}" text-anchor="end" class="name en">{}</text>').format(
                label - 12, top + 19, _cut(bar.en, label // 7)
            )
            + Markup('<rect x="{}" y="{}" width="{}" height="16" rx="3" fill="{}"/>').format(label, top + 6, room, GRID)
            + Markup('<rect x="{}" y="{}" width="{:.1f}" height="16" rx="3" fill="{}"/>').format(
                label, top + 6, length, bar.colour
            )
            + Markup('<text x="{}" y="{}" class="value">{}</text></g>').format(label + room + 10, top + 19, bar.told)
        )
    return _svg(width, len(bars) * step + 4, Markup("").join(parts))


def shares(items: Sequence[tuple[str, str, float | None]], *, width: int = 640) -> Markup:
    """Return bars of shares between 0 and 1; one that cannot be evaluated is said so, and never drawn full."""
    bars = [
        Bar(zh, en, value or 0, "—" if value is None else _percent(value), colour_of(value)) for zh, en, value in items
    ]
    return horizontal_bars(bars, most=1, width=width, label=190)


def deliveries(columns: Sequence[Column], *, width: int = 640) -> Markup:
    """Return two panels over the same deliveries: rows above, the share that was not accepted below."""
    if not columns:
        return Markup("")
    left, room, high, low = 58, width - 70, 110, 70
    step = room / max(len(columns), 6)
    thick = min(34.0, step * 0.66)
    most = max(column.rows for column in columns) or 1
    worst = max((column.dirty / column.rows for column in columns if column.rows), default=0)
    scale = max(worst, 0.01)
    parts = [
        _axis(left, 10, high, room, f"{most:,}", "行", "rows"),
        _axis(left, high + 44, low, room, _percent(scale), "搁置退回", "not taken"),
    ]
    for place, column in enumerate(columns):
        x = left + place * step + (step - thick) / 2
        share = column.dirty / column.rows if column.rows else 0
        up, down = high * column.rows / most, low * share / scale
        told = f"{column.label}: {column.rows:,} / {column.dirty:,} ({_percent(share)})"
        parts.append(
            Markup(
                '<g><title>{}</title><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2" fill="{}"/>'
            ).format(told, x, 10 + high - up, thick, up, BLUE)
            + Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2" fill="{}"/></g>').format(
                x, high + 44 + low - down, thick, down, AMBER
            )
        )
        if place % max(1, len(columns) // 8) == 0:
            parts.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="middle" class="tick">{}</text>').format(
                    x + thick / 2, high + low + 62, column.label
                )
            )
    return _svg(width, high + low + 72, Markup("").join(parts))


def trend(points: Sequence[tuple[date, float]], *, width: int = 640) -> Markup:
    """Return a line of scores over business dates; with a single day there is nothing to draw."""
    if len(points) < 2:
        return Markup("")
    left, room, high = 58, width - 80, 120
    low = min(0.9, min(value for _, value in points) - 0.02)
    step = room / (len(points) - 1)
    places = [(left + n * step, 14 + high * (1 - (value - low) / (1 - low))) for n, (_, value) in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        _axis(left, 14, high, room, "100 %", "", ""),
        Markup('<text x="{}" y="{}" text-anchor="end" class="tick">{}</text>').format(
            left - 8, 18 + high, _percent(low)
        ),
        Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2.5"/>').format(line, TEAL),
    ]
    for (x, y), (day, value) in zip(places, points, strict=True):
        parts.append(
            Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4" fill="{}"><title>{}: {}</title></circle>').format(
                x, y, TEAL, day.isoformat(), _percent(value)
            )
        )
    for place in sorted({0, len(points) - 1}):
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="{}" class="tick">{}</text>').format(
                places[place][0], high + 34, "start" if place == 0 else "end", points[place][0].isoformat()
            )
        )
    return _svg(width, high + 42, Markup("").join(parts))


def colour_of(value: float | None) -> str:
    """Return the colour of a share: good, fair or poor; none of them where it cannot be evaluated."""
    if value is None:
        return GRID
    return TEAL if value >= _GOOD else AMBER if value >= _FAIR else RED


def _axis(left: int, top: int, height: int, room: int, most: str, zh: str, en: str) -> Markup:
    return (
        Markup('<line x1="{0}" y1="{1}" x2="{2}" y2="{1}" stroke="{3}"/>').format(left, top, left + room, GRID)
        + Markup('<line x1="{0}" y1="{1}" x2="{2}" y2="{1}" stroke="{3}"/>').format(
            left, top + height, left + room, QUIET
        )
        + Markup('<text x="{}" y="{}" text-anchor="end" class="tick">{}</text>').format(left - 8, top + 4, most)
        + Markup('<text x="{0}" y="{1}" text-anchor="end" class="tick zh">{2}</text>').format(left - 8, top + 20, zh)
        + Markup('<text x="{0}" y="{1}" text-anchor="end" class="tick en">{2}</text>').format(left - 8, top + 20, en)
    )


def _svg(width: int, height: int, content: Markup) -> Markup:
    return Markup('<svg viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" class="chart">{2}</svg>').format(
        width, height, content
    )


def _percent(value: float) -> str:
    return "100 %" if value >= 1 else f"{int(value * 10_000) / 100:.4g} %"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
