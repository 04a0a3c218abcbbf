"""How far a database was read, with the transactions then under way (位点): what commits late is read late, not lost.

A transaction that runs while a window is read may later commit rows that lie before the window's end. Each reading
leaves a mark: the first transaction number not yet given out, and how far it read. A transaction that got its number
after a mark wrote its rows after it too. So the next reading starts at the newest mark that lies before the oldest
transaction now running, and not simply where this one ended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

Mark = tuple[int, str]
ORIGIN: Mark = (0, "")
"""Before everything: a reading that starts here reads the whole table."""


@dataclass(frozen=True)
class Position:
    """Where the next reading starts, and the marks it may still be needed to start from."""

    marks: tuple[Mark, ...] = (ORIGIN,)

    @property
    def start(self) -> str:
        """From where to read next: cursor value or instant; empty for the whole table."""
        return self.marks[0][1]

    @property
    def reached(self) -> str:
        """How far the newest reading came."""
        return self.marks[-1][1]

    def advance(self, running_from: int, next_number: int, reached: str) -> Position:
        """Return the position after a reading.

        Args:
            running_from: no transaction below this number was running when the reading's snapshot was taken.
            next_number: the first transaction number not given out then.
            reached: how far the reading came.

        >>> calm = Position().advance(12, 12, "200")
        >>> calm.start, calm.reached
        ('200', '200')
        >>> busy = calm.advance(13, 15, "300")
        >>> busy.start, busy.reached
        ('200', '300')
        >>> busy.advance(15, 18, "400").start
        '300'
        """
        marks = (*self.marks, (next_number, reached))
        newest = max(i for i, (number, _) in enumerate(marks) if number <= running_from)
        return Position(marks[newest:])

    def to_json(self) -> str:
        """Return the position as the control plane keeps it."""
        return json.dumps(self.marks)

    @classmethod
    def from_json(cls, text: str | None) -> Position:
        """Return the position that :meth:`to_json` wrote; the origin when there is none."""
        if not text:
            return cls()
        return cls(tuple((int(number), str(value)) for number, value in json.loads(text)))
