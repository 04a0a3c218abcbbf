"""Column headings as they are compared (表头规范化): how a department types a heading does not matter."""

from __future__ import annotations

import re
import unicodedata

_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】")
_SEPARATORS = re.compile(r"[\s_\-·:*./\\]+")


def normalise_heading(heading: str) -> str:
    r"""Return a heading for comparison: half-width, lower case, without remarks in brackets, blanks and separators.

    >>> normalise_heading("\ufeff 统一社会　信用代码（必填）\u200b"), normalise_heading("*Credit_Code:")
    ('统一社会信用代码', 'creditcode')
    >>> normalise_heading("(备注)")
    '备注'
    """
    folded = unicodedata.normalize("NFKC", heading).casefold()
    visible = "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc"))
    bare = _SEPARATORS.sub("", _REMARK.sub("", visible))
    return bare or _SEPARATORS.sub("", visible.strip("()[]【】"))
