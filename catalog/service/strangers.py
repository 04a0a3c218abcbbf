"""Refusals of strangers (陌生请求), counted in the audit, which who shows no credential cannot fill.

Of one act and reason the first refusal of a minute is recorded before its answer goes out; the others of that minute
stand together in one entry, with their number and where they came from. Kept in the process, written when the minute
is over and when the service ends; a process that is killed loses at most the counts of its last minute.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from catalog.control.audit import record_alone
from catalog.model.caller import STRANGER, Caller
from catalog.model.errors import GuantongError
from catalog.service.configuration import DATABASE_PATIENCE, address_of

logger = logging.getLogger(__name__)

WINDOW = 60.0
"""Seconds that are counted together."""
MOST_ADDRESSES = 1000
"""Addresses that are told apart in a window."""
TOLD = 10
"""Addresses and places that an entry names, the most frequent ones."""


@dataclass
class _Window:
    """Refusals of one act and reason since the first of them."""

    began: float
    is_recorded: bool = False
    """Whether the first has its entry."""
    further: int = 0
    addresses: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)


class Strangers:
    """The refusals of strangers in this process."""

    def __init__(self, control_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._control_url = control_url
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strangers", daemon=True)

    def refused(self, who: Caller, act: str, place: str, reason: str) -> None:
        """Record a refusal, or count it when the same act was refused for the same reason less than a minute ago.

        Raises:
            AuditUnavailableError: when it is to be recorded and cannot be; the reader then gets no answer but that.
        """
        self.settle()
        with self._lock:
            window = self._windows.setdefault((act, reason), _Window(self._clock()))
            if window.is_recorded:
                _count(window, who.address, place)
                return
            window.is_recorded = True
        try:
            record_alone(self._control_url, who, act, place, "refused", reason=reason, patience=DATABASE_PATIENCE)
        except BaseException:
            with self._lock:
                window.is_recorded = False
            raise

    def settle(self, *, everything: bool = False) -> None:
        """Write the counts of the windows that are over, or of all.

        Raises:
            AuditUnavailableError: when they cannot be written; they are kept.
        """
        with self._lock:
            over = {
                key: window
                for key, window in self._windows.items()
                if everything or self._clock() - window.began >= WINDOW
            }
            for key in over:
                del self._windows[key]
        for key, window in over.items():
            try:
                self._write(key, window)
            except BaseException:
                with self._lock:
                    _merge(self._windows.setdefault(key, _Window(self._clock(), window.is_recorded)), window)
                raise

    def start(self) -> None:
        """Begin to write counts as their minutes end."""
        self._thread.start()

    def stop(self) -> None:
        """End, with all that was counted written."""
        self._over.set()
        self._thread.join(timeout=10)
        self._settle_or_say(everything=True)

    def _run(self) -> None:
        while not self._over.wait(WINDOW / 12):
            self._settle_or_say()

    def _settle_or_say(self, *, everything: bool = False) -> None:
        try:
            self.settle(everything=everything)
        except (GuantongError, SQLAlchemyError) as error:
            logger.critical("counts of refused strangers wait: %s", type(error).__name__)

    def _write(self, key: tuple[str, str], window: _Window) -> None:
        if not window.further:
            return
        act, reason = key
        detail: dict[str, int | list[str]] = {
            "further": window.further,
            "seconds": round(self._clock() - window.began),
            "addresses": _most(window.addresses),
            "places": _most(window.places),
        }
        record_alone(
            self._control_url, STRANGER, act, "strangers", "refused", reason=reason, detail=detail,
            patience=DATABASE_PATIENCE,
        )  # fmt: skip


def strangers_of(request: Request) -> Strangers:
    """Return where the service counts the refusals of strangers."""
    found: Strangers = request.app.state.strangers
    return found


def stranger(request: Request) -> Caller:
    """Return the unknown caller of a request."""
    number = getattr(request.state, "request_id", "")
    return Caller("stranger", 0, "", "", address=address_of(request), request_id=number)


def _count(window: _Window, address: str, place: str) -> None:
    window.further += 1
    for counter, value in ((window.addresses, address), (window.places, place)):
        if value in counter or len(counter) < MOST_ADDRESSES:
            counter[value] += 1


def _merge(window: _Window, earlier: _Window) -> None:
    window.further += earlier.further
    window.addresses.update(earlier.addresses)
    window.places.update(earlier.places)


def _most(counter: Counter[str]) -> list[str]:
    """Return the most frequent values with their counts, and how many more there are.

    >>> _most(Counter({"192.0.2.1": 3, "192.0.2.2": 1}))
    ['192.0.2.1 × 3', '192.0.2.2 × 1']
    """
    named = [f"{value} × {number}" for value, number in counter.most_common(TOLD)]
    return named + ([f"and {len(counter) - TOLD} more"] if len(counter) > TOLD else [])
