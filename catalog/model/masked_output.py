"""Commands whose complaints hold no secret (输出脱敏): all that Python writes to the error stream is masked."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.model.secret_texts import mask_secrets


def masked_traceback(error: BaseException) -> str:
    """Return the traceback of an error, with its causes, without secrets."""
    return mask_secrets("".join(traceback.format_exception(error)))


class MaskedStream(io.TextIOWrapper):
    """A text stream that masks what is written to it, piece by piece as it comes."""

    def write(self, text: str) -> int:
        """Write a text without its secrets; tell how much of it was taken."""
        super().write(mask_secrets(text))
        return len(text)


@contextmanager
def secrets_hidden() -> Iterator[None]:
    """Mask what a command writes to the error stream: log lines, warnings, tracebacks, of any of its threads.

    An error that nobody caught ends the command with its traceback and exit code 1.
    """
    plain = sys.stderr
    sys.stderr = masked = MaskedStream(
        plain.buffer, encoding=plain.encoding, errors="backslashreplace", line_buffering=True, write_through=True
    )
    try:
        yield
    except Exception as error:
        sys.stderr.write(masked_traceback(error))
        sys.exit(1)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            sys.exit(1)
        raise
    finally:
        masked.flush()
        masked.detach()
        sys.stderr = plain
