"""Names and addresses come apart at the right places, and the words that decide it are data with citations."""

import csv

import pytest

from catalog.model.address_parts import split_address
from catalog.model.entity_names import split_entity_name
from catalog.model.linkage_words import VOCABULARY, fold_text, word_list
from catalog.model.places import division_successors, leading_place
from jobs.reconcile.linking.spelling import deletions_of, pinyin_of

NAMES = {
    "成都市昊鸣路安汽车维修有限责任公司": ("510100", "昊鸣路安", "汽车维修", "有限责任公司", ""),
    "四川五鑫汽贸有限公司": ("510000", "五鑫", "汽贸", "有限公司", ""),
    "四川省万路达（集团）有限公司": ("510000", "万路达", "", "集团有限公司", ""),
    "四川川沪汽车销售服务有限责任公司二分公司": ("510000", "川沪", "汽车销售服务", "有限责任公司", "二分公司"),
    "青松汽修厂": ("", "青松", "汽修", "厂", ""),
    "凉山州兴宏食品开发有限责任公司": ("513400", "兴宏", "食品开发", "有限责任公司", ""),
}
ADDRESSES = {
    "成都市武侯区武科西四路9号": ("510107", "武科西四路9号"),
    "武侯区武科西四路九号": ("510107", "武科西四路9号"),
    "乐山市中区凤凰路北段岷河北街375号岷河苑22幢": ("511102", "凤凰路375号"),
    "绵阳高新区磨家镇接龙寺村五组": ("510700", "接龙寺村5组"),
    "都江堰市聚源镇大合村": ("510181", ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_firm_name_has_place_trade_name_industry_form_and_branch(name):
    parts = split_entity_name(name, "510000")
    assert (parts.place, parts.trade_name, parts.industry, parts.form, parts.branch) == NAMES[name]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_names_one_spot_however_it_is_written(address):
    parts = split_address(address, "510000")
    assert (parts.division, parts.spot) == ADDRESSES[address]


def test_short_names_count_only_where_they_are_no_part_of_another():
    assert leading_place("吉林路9号").code == ""
    assert leading_place("大竹镇", hint="510000").code == ""
    assert leading_place("朝阳汽修厂").code == "", "several counties are called so"


def test_people_of_a_merged_county_are_found_under_both_codes():
    assert "510116" in division_successors("510122")
    assert set(division_successors("510122")) & set(division_successors("510116")) == {"510116"}


def test_variants_fold_sound_alike_and_one_edit_shares_a_deletion():
    assert fold_text("陳國華") == "陈国华" == fold_text("陈 国　华")
    assert pinyin_of("陈国华") == pinyin_of("陳國華") == pinyin_of("晨国花")
    assert set(deletions_of("陈国华")) & set(deletions_of("陈国栋")), "a character changed"
    assert set(deletions_of("陈国华")) & set(deletions_of("陈华国")), "two exchanged"
    assert not set(deletions_of("陈国华")) & set(deletions_of("李建华"))


@pytest.mark.parametrize("name", sorted(path.stem for path in VOCABULARY.glob("*.csv")))
def test_every_word_has_its_meaning_and_citation(name):
    with (VOCABULARY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert len(rows) > 50
    assert all(len(row) == 3 and all(row) for row in rows)
    assert len(word_list(name)) == len(rows)


def test_folding_a_variant_character_is_final():
    variants = word_list("variant_character")
    assert not set(variants.values()) & set(variants)
