"""What a stage says of an input that it has consumed before and cannot see any more (输入缺失)."""

from __future__ import annotations

from catalog.model.errors import GuantongError


class InputAwayError(GuantongError):
    """A table that the stage has consumed before is not there: not mounted, moved, or not restored yet.

    Taken as empty, it would take all that it ever said out of what is made of it.
    """

    code = "INPUT_AWAY"
