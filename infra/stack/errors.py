"""What can go wrong with the stack, in words for the person at the keyboard."""

from __future__ import annotations

from catalog.model.errors import GuantongError


class StackError(GuantongError):
    """The embedded stack could not start, or a part of it stays down."""

    code = "STACK_NOT_RUNNING"
