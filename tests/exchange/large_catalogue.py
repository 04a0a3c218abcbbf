"""A large catalogue to search in: entries and items with names built from the words that departments use."""

import random
from itertools import product

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from catalog.control.entry_search import entry_words
from catalog.control.entry_tables import CatalogueEntry, EntryWords
from catalog.model.catalogue_entry import Entry
from catalog.model.departments import load_departments
from tests.exchange.people import an_entry, an_item

SUBJECTS = [
    "常住人口",
    "流动人口",
    "企业法人",
    "个体工商户",
    "社会组织",
    "药品经营",
    "建筑业企业",
    "道路运输",
    "取水许可",
    "不动产",
    "学籍",
    "参保人员",
    "婚姻登记",
    "残疾人",
    "医疗机构",
]
MATTERS = [
    "登记",
    "年报",
    "变更",
    "注销",
    "处罚",
    "许可",
    "资质",
    "信用",
    "统计",
    "检查",
    "投诉",
    "预警",
    "备案",
    "名录",
    "档案",
]
FACTS = [
    "名称",
    "代码",
    "日期",
    "地址",
    "金额",
    "状态",
    "类别",
    "有效期",
    "负责人",
    "联系电话",
    "数量",
    "面积",
    "等级",
    "机关",
    "编号",
    "原因",
    "结果",
    "依据",
    "来源",
    "备注",
]
ELEMENTS = ["citizen_id", "uscc", "person_name", "entity_name", "residence_division_code"]
QUERIES = [
    "常住人口",
    "取水许可",
    "企业法人",
    "登记",
    "许可",
    "负责人联系电话",
    "changzhurenkou",
    "czrk",
    "xuke",
    "qsxk",
    "处罚",
    "统计",
    "学籍",
    "xueji",
    "名称",
    "fuzeren",
    "企业",
    "经营等级",
    "医疗机构投诉",
    "火星",
]


def large_entries(count: int, items: int, seed: int = 15) -> list[Entry]:
    """Return entries with so many items each."""
    chance = random.Random(seed)
    departments = [one.id for one in load_departments().values()]
    names = [f"{subject}{matter}" for subject, matter in product(SUBJECTS, MATTERS)]
    facts = [f"{subject}{fact}" for subject, fact in product(SUBJECTS, FACTS)]
    found = []
    for number in range(count):
        name = f"{names[number % len(names)]}{number // len(names) or ''}"
        chosen = [
            an_item(f"c{place}", business_name=fact, element=chance.choice(ELEMENTS) if place == 0 else None)
            for place, fact in enumerate(chance.sample(facts, items))
        ]
        provider = departments[number % len(departments)]
        found.append(an_entry(f"3{number % 90 + 10}001/{number}", name, provider=provider, items=chosen))
    return found


def fill(session: Session, entries: list[Entry]) -> None:
    """Put published entries into the catalogue with what finds them, and let the database look at what it has."""
    review = {"conclusion": "符合", "signed_by": "示范负责人"}
    for start in range(0, len(entries), 1000):
        part = list(enumerate(entries[start : start + 1000], start=start))
        rows = [
            {
                "number": f"ENT-2020-{number:06d}", "code": entry.code, "version": 1, "name": entry.name,
                "provider": entry.provider, "content": entry.model_dump(mode="json"), "state": "published",
                "secrecy_review": review, "personal_assessment": review, "drafted_by": "x", "revision": 1,
                "published_at": text("now()"),
            }
            for number, entry in part
        ]  # fmt: skip
        for row in rows:
            session.execute(insert(CatalogueEntry).values(row))
        for number, entry in part:
            session.execute(insert(EntryWords).values(entry_words(f"ENT-2020-{number:06d}", entry)))
    session.execute(text("ANALYZE entry_words"))
