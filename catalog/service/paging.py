"""Pages of a list (分页): stable under changes, because a page starts after a name, not at a number."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from catalog.service.problems import bad_request

LARGEST_PAGE = 500

Item = TypeVar("Item")


def page(
    items: Sequence[Item],
    key: Callable[[Item], str],
    render: Callable[[Item], dict[str, Any]],
    max_results: int | None,
    page_token: str | None,
) -> dict[str, Any]:
    """Return one page of a list, sorted by key.

    Args:
        items: The whole list.
        key: What the list is sorted by; no two items share it.
        render: How one item is answered.
        max_results: At most so many; 0 gives none and says where to go on.
        page_token: Where the page before ended.

    >>> page(["a", "b", "c"], str, lambda name: {"name": name}, 2, None)
    {'items': [{'name': 'a'}, {'name': 'b'}], 'nextPageToken': 'PmI='}
    >>> page(["a", "b", "c"], str, lambda name: {"name": name}, 2, "PmI=")
    {'items': [{'name': 'c'}]}
    """
    after = _decode(page_token) if page_token else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    size = min(LARGEST_PAGE if max_results is None else max_results, LARGEST_PAGE)
    chosen = rest[:size]
    answer: dict[str, Any] = {"items": [render(item) for item in chosen]}
    if len(rest) > size:
        last = key(chosen[-1]) if chosen else (after or "")
        answer["nextPageToken"] = base64.urlsafe_b64encode(f">{last}".encode()).decode()
    return answer


def _decode(token: str) -> str:
    try:
        text = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise bad_request("The page token is not one of this service.") from error
    if not text.startswith(">"):
        raise bad_request("The page token is not one of this service.")
    return text[1:]
