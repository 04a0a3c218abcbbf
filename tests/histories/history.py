"""Histories and timetables drawn by a seed (随机历史): what a department does, step by step, to three records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

RECORDS, KEYS, NAMES = 3, 4, 4
KINDS = ("file", "feed", "full", "watermark", "rest", "since")
"""Kinds of source; ``since`` is an interface that is asked for what changed."""
TIMES = ("now", "now", "now", "past", "null", "infinity", "future")
"""What a live source states as the time of a change; ``infinity`` is PostgreSQL's."""


@dataclass(frozen=True)
class Event:
    """One thing that a department does to one record."""

    step: int
    act: str
    """``put`` (insert or change), ``delete``, or ``restore``: the source has an older version back."""
    record: int
    key: int | None = None
    name: int | None = None
    slot: int = 0
    """Of files: which of the step's deliveries has the row."""
    time: str = "now"
    """Of live sources: one of ``TIMES``."""
    delay: int = 0
    """Of feeds: steps until the row is committed; its number is drawn at once."""


History = tuple[Event, ...]


@dataclass(frozen=True)
class Slot:
    """One file of a step."""

    when: str = "now"
    """``now``, ``late`` (made ``back`` steps ago), ``future`` (stamped 2099), ``same`` (as the slot before)."""
    back: int = 0
    is_dated: bool = True
    """Whether a receipt says when it was sent; else the file's own time does."""
    flaw: str = ""
    """``short`` (its receipt declares more; mended a step later), ``lost`` (never mended), ``again`` (sent twice)."""


@dataclass(frozen=True)
class Death:
    """How a run dies."""

    stage: str
    point: int | str
    """Which of its commits: twice their number, plus one for the end of it; or its name."""
    way: str = "exception"
    """One of ``killing.WAYS``."""


@dataclass(frozen=True)
class Turn:
    """What all histories of one resource go through in one step."""

    slots: tuple[Slot, ...] = ()
    skipped: int = 0
    """Of feeds: numbers that the identity leaves out, as a cached sequence does."""
    is_open: bool = False
    """Of feeds: whether delayed rows wait in a transaction under way; else only their numbers are drawn early."""
    is_extracted: bool = True
    is_conformed: bool = True
    replay: int | None = None
    """Place of the accepted batch that is judged again."""
    is_rebuilt: bool = False
    """Whether silver is dropped, and every batch owed to it again."""
    is_restarted: bool = False
    """Of feeds: whether the department loads it anew, with numbers from 1."""
    killed: tuple[Death, ...] = ()
    """Deaths that runs die before they are run again."""
    has_second: bool = False
    """Whether another process conforms at the same time."""


Timetable = tuple[Turn, ...]


@dataclass
class Draw:
    """Draws a timetable of a kind of source, and histories for it."""

    kind: str
    steps: int
    seed: str
    timetable: Timetable = field(init=False)

    def __post_init__(self) -> None:
        chance = Random(f"{self.seed}/{self.kind}")
        turns = [self._turn(chance, step) for step in range(self.steps)]
        self.timetable = (*turns[:-1], replace(turns[-1], is_extracted=True, is_conformed=True))

    def _turn(self, chance: Random, step: int) -> Turn:
        is_file = self.kind == "file"
        killed = [Death(stage, chance.randint(1, 12)) for stage in ("extract", "conform") if chance.random() < 0.2]
        return Turn(
            slots=tuple(self._slot(chance, step, n) for n in range(chance.randint(1, 4))) if is_file else (),
            skipped=chance.choice((0, 0, 20, 5_000)) if self.kind == "feed" else 0,
            is_open=chance.random() < 0.5,
            is_extracted=chance.random() < 0.85,
            is_conformed=chance.random() < 0.65,
            replay=chance.randrange(step * 2) if step > 1 and chance.random() < 0.25 else None,
            is_rebuilt=step > 2 and chance.random() < 0.1,
            killed=tuple(killed),
            has_second=chance.random() < 0.1,
            is_restarted=self.kind == "feed" and step > 1 and chance.random() < 0.08,
        )

    def _slot(self, chance: Random, step: int, number: int) -> Slot:
        when = chance.choice(("now", "now", "now", "late", "late", "future", "same" if number else "now"))
        if when == "late" and not step:
            when = "now"
        back = chance.randint(1, step) if when == "late" else 0
        is_dated = when in ("future", "same") or chance.random() < 0.75
        flaw = chance.choice(("", "", "", "", "", "short", "lost", "again")) if is_dated else ""
        return Slot(when, back, is_dated, flaw)

    def history(self, number: int) -> History:
        """Draw one history."""
        chance = Random(f"{self.seed}/{self.kind}/{number}")
        count = chance.randint(2, max(3, self.steps * 3 // 2))
        steps = sorted(chance.randrange(self.steps) for _ in range(count))
        return tuple(self._event(chance, step) for step in steps)

    def _event(self, chance: Random, step: int) -> Event:
        act = chance.choice(("put",) * 7 + ("delete",) * 2 + ("restore",))
        if self.kind == "file" or (act == "restore" and self.kind in ("feed", "full")):
            act = "put"
        is_bare = act == "delete" and self.kind == "feed" and chance.random() < 0.5
        return Event(
            step,
            act,
            record=chance.randrange(RECORDS),
            key=None if is_bare or chance.random() < 0.08 else chance.randrange(KEYS),
            name=None if is_bare or chance.random() < 0.05 else chance.randrange(NAMES),
            slot=chance.randrange(len(self.timetable[step].slots)) if self.kind == "file" else 0,
            time=chance.choice(TIMES) if self.kind in ("watermark", "rest", "since") else "now",
            delay=chance.choice((0, 0, 0, 1, 2, 4)) if self.kind == "feed" else 0,
        )


def smaller(history: History) -> Iterator[History]:
    """Yield what a history may be reduced to by one step: an event less, or an event plainer."""
    for place, event in enumerate(history):
        yield history[:place] + history[place + 1 :]
        for plainer in (replace(event, time="now"), replace(event, delay=0), replace(event, act="put")):
            if plainer != event:
                yield (*history[:place], plainer, *history[place + 1 :])
    for record in range(RECORDS):
        without = tuple(e for e in history if e.record != record)
        if without != history:
            yield without


def shown(history: History) -> str:
    """Return a history as people read it, one event a line."""
    lines = []
    for e in history:
        more = "".join(
            f" {label} {value}" for label, value, usual in
            (("file", e.slot, 0), ("time", e.time, "now"), ("committed after", e.delay, 0)) if value != usual
        )  # fmt: skip
        lines.append(f"  step {e.step}: {e.act} record {e.record} key {e.key} name {e.name}{more}")
    return "\n".join(lines)


def plainer(timetable: Timetable) -> Iterator[tuple[str, Timetable]]:
    """Yield timetables without one kind of disturbance each, with its name."""
    without = {
        "deaths": {"killed": ()},
        "replays": {"replay": None},
        "rebuilt tables": {"is_rebuilt": False},
        "a second runner": {"has_second": False},
        "runs left out": {"is_extracted": True, "is_conformed": True},
    }
    for what, values in without.items():
        table = tuple(replace(turn, **values) for turn in timetable)
        if table != timetable:
            yield what, table
