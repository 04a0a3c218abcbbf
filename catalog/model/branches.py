"""A branch and its parent (分支机构): Chinese practice names a branch by its parent's whole name and what follows."""

from __future__ import annotations

import re

_WHOLE = r"公司|合作社|集团|银行|医院|学校|事务所|研究院|中心|厂"
_BRANCH = r"分公司|分店|分行|支行|营业部|分社|分所|分院|分校|分厂|门市部|经营部|办事处"
_NAME = re.compile(rf"(?P<parent>.+?(?:{_WHOLE}))(?P<own>.*(?:{_BRANCH}))")


def parent_name(name: str) -> str | None:
    """Return the name of the entity whose branch ``name`` is, or None when it does not read as a branch.

    Source: 企业名称登记管理规定 (2020), article 13: a branch's name begins with that of its enterprise.

    >>> parent_name("示范建设有限公司成都分公司"), parent_name("示范大药房连锁有限公司第三分店")
    ('示范建设有限公司', '示范大药房连锁有限公司')
    >>> parent_name("示范建设有限公司") is None
    True
    """
    found = _NAME.fullmatch(name)
    return found["parent"] if found else None
