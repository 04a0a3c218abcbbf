"""Who says so (署名): the name that is given with a command, beside the account of the operating system that gave it.

Invariant: a name never stands alone, since anybody can write any name; who counts as another person is told by both.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from catalog.model.caller import operating_account

_WRITTEN = re.compile(r"(.*) \[([^\[\]]*)\]\Z", re.DOTALL)
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters that nobody sees."""


@dataclass(frozen=True)
class Signature:
    """A name and an account.

    >>> str(Signature("示范甲", "wang")), Signature.read("示范甲 [wang]")
    ('示范甲 [wang]', Signature(name='示范甲', account='wang'))
    """

    name: str
    account: str
    """Of the operating system; empty for what was signed before accounts were kept."""

    @classmethod
    def given(cls, name: str) -> Signature:
        """Return the signature of who gives a name now.

        Raises:
            ValueError: nothing of the name can be seen.
        """
        plain = plain_name(name)
        if not plain:
            raise ValueError("nobody is named (未署名)")
        return cls(plain, operating_account())

    @classmethod
    def read(cls, text: str) -> Signature:
        """Return the signature that was kept as a text."""
        found = _WRITTEN.match(text)
        return cls(found[1], found[2]) if found else cls(text, "")

    def __str__(self) -> str:
        """Return the form in which it is kept and shown."""
        return f"{self.name} [{self.account}]" if self.account else self.name

    def is_of_one_person(self, other: Signature) -> bool:
        """Tell whether two signatures may be one person's: by the same account, or under the same name.

        >>> Signature("wang", "a").is_of_one_person(Signature(" ＷＡＮＧ ", "b"))
        True
        >>> Signature("wang", "a").is_of_one_person(Signature("li", "a"))
        True
        >>> Signature("wang", "a").is_of_one_person(Signature("li", "b"))
        False
        """
        is_same_account = bool(self.account) and self.account.casefold() == other.account.casefold()
        return is_same_account or folded_name(self.name) == folded_name(other.name)


def plain_name(name: str) -> str:
    r"""Return a name in its compatible form (NFKC), without what nobody sees, with single blanks.

    >>> plain_name("  ｗａｎｇ\u200b  li\n")
    'wang li'
    """
    compatible = unicodedata.normalize("NFKC", name)
    seen = "".join(" " if one.isspace() else one for one in compatible if one.isspace() or not _is_unseen(one))
    return " ".join(seen.split())


def folded_name(name: str) -> str:
    """Return what tells one name from another: letters without case, blanks left out.

    >>> folded_name("Wang Li") == folded_name("WANGLI ")
    True
    """
    return plain_name(name).casefold().replace(" ", "")


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN
