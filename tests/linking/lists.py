"""Lists for the tests of linking: invented persons and firms, as features."""

from functools import cache

import numpy as np
import pyarrow as pa

from infra.demonstration.linkage_lists import make_lists
from jobs.reconcile.linking.features import extract_features


@cache
def person_lists(seed: int, people: int) -> tuple[pa.Table, pa.Table, frozenset[tuple[str, str]]]:
    """Return features of a second list, of a library, and the true pairs."""
    lists = make_lists(seed, people)
    frames = (("new", lists.new), ("library", lists.library))
    rows = {name: _records(name, frame.to_dict("records")) for name, frame in frames}
    truth = frozenset((f"new|{a}", f"library|{b}") for a, b in lists.truth)
    return extract_features("person", rows["new"]), extract_features("person", rows["library"]), truth


def _records(name, rows):
    return [{**row, "record_id": f"{name}|{place}"} for place, row in enumerate(rows, start=1)]


def firm_lists(seed: int, count: int) -> tuple[pa.Table, pa.Table]:
    """Return features of firms written in two ways; the i-th of both is the same firm, and has no key."""
    rng = np.random.default_rng(seed)
    marks, trades = list("宏瑞华信诚达康恒泰隆博远新海天和金鼎众联创嘉富盛"), ["汽车维修", "运输", "建筑工程", "商贸"]
    places = [("成都市武侯区", "成都"), ("绵阳市三台县", "三台县"), ("广汉市", "广汉市"), ("乐山市市中区", "乐山市")]
    new, library = [], []
    for i in range(count):
        (home, short), trade = places[rng.integers(4)], str(rng.choice(trades))
        mark = "".join(rng.choice(marks, 2 + i % 2))
        street = f"示范{rng.choice(marks)}路{rng.integers(1, 300)}号"
        library.append({"record_id": f"l|{i:05}", "name": f"{short}{mark}{trade}有限公司", "address": home + street})
        written = [f"{short}{mark}{trade}有限责任公司", f"四川{mark}{trade}有限公司", f"{short}{mark}有限公司"][i % 3]
        new.append({"record_id": f"n|{i:05}", "name": written, "address": [home, ""][i % 2] + street})
    return extract_features("entity", new), extract_features("entity", library)
