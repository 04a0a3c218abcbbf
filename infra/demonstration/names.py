"""Invented names of persons and firms (虚构姓名与名称), characters combined at random.

Every ordinary character exists in GBK; a few names hold characters that only GB18030 has.
"""

from __future__ import annotations

import numpy as np

from infra.demonstration.identifiers import TextArray

_SURNAMES = [
    *"王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙史陶贺毛段郝顾龚邵",
    *("欧阳", "司马", "诸葛", "上官"),
]
_GIVEN = list(
    "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰建国文辉力健世广志义兴良海山仁波宁贵福生龙元全胜学祥才发武新利清飞彬富顺信子昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆民友裕河哲江浩亮政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以家致树炎德行时泰盛雄琛钧冠策腾楠榕风航弘晓雪梅琳素云莲真环荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉娣叶璧璐娅琦晶妍茜秋珊莎锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗羽希欣飘育滢馥筠柔竹霭凝"
)
RARE_CHARACTERS = ["𬭎", "𫖮", "㛃", "䶮"]
"""Outside GBK; the first two lie in a supplementary plane: four bytes in GB18030."""
_OTHER_SPELLINGS = {
    "国": "國", "华": "華", "东": "東", "伟": "炜", "静": "靖", "丽": "莉", "晓": "小", "杰": "傑", "涛": "滔",
    "建": "健", "军": "君", "英": "瑛", "玉": "钰", "志": "智", "明": "铭", "红": "虹", "云": "芸", "平": "萍",
    "张": "章", "刘": "劉", "陈": "陳", "杨": "楊", "黄": "黃", "赵": "趙", "吴": "吳", "马": "馬", "谢": "謝",
    "许": "許", "邓": "鄧", "冯": "馮", "肖": "萧", "蒋": "蔣", "叶": "葉", "苏": "蘇", "吕": "呂", "卢": "盧",
}  # fmt: skip
"""Traditional, old and like-sounding characters for the same name."""
_FIRM_MARKS = list("安宏瑞华信诚达康恒泰兴隆博远新海中正天和金鼎众联创美嘉富盛源通顺佳润德丰宝利旺凯")
_TRADES = ["商贸", "建筑工程", "医药", "运输", "物流", "科技", "餐饮管理", "大药房", "装饰工程", "机械设备", "农业发展"]
_FORMS = ["有限公司", "有限责任公司", "股份有限公司"]
_SHOPS = ["小吃店", "便利店", "五金店", "药店", "理发店", "汽修部", "货运部", "服装店"]


def _characters(values: list[str]) -> TextArray:
    return np.array(values, dtype=object)


def draw_person_names(rng: np.random.Generator, count: int) -> TextArray:
    """Return ``count`` names; every eightieth has a rare character (生僻字)."""
    surnames = rng.choice(_characters(_SURNAMES), count)
    first = rng.choice(_characters(_GIVEN), count)
    rare = np.arange(0, count, 80)
    first[rare] = _characters(RARE_CHARACTERS)[np.arange(len(rare)) % len(RARE_CHARACTERS)]
    second = np.where(rng.random(count) < 0.8, rng.choice(_characters(_GIVEN), count), "")
    names: TextArray = surnames + first + second
    return names


def draw_firm_names(rng: np.random.Generator, count: int, first_serial: int) -> TextArray:
    """Return distinct names of enterprises; the number in the name keeps them apart and shows them invented."""
    marks = _characters(_FIRM_MARKS)
    rare = rng.random(count) < 0.003
    first = np.where(rare, rng.choice(_characters(RARE_CHARACTERS[:2]), count), rng.choice(marks, count))
    second, trades = rng.choice(marks, count), rng.choice(_characters(_TRADES), count)
    forms = rng.choice(_characters(_FORMS), count)
    parts = zip(first, second, trades, forms, strict=True)
    return _characters([f"示范{a}{b}{i}号{t}{f}" for i, (a, b, t, f) in enumerate(parts, first_serial)])


def draw_shop_names(rng: np.random.Generator, operators: TextArray, first_serial: int) -> TextArray:
    """Return distinct names of individual businesses (个体工商户), with their operator's name in them."""
    shops = rng.choice(_characters(_SHOPS), len(operators))
    return _characters(
        [f"示范{o}{i}号{s}" for i, (o, s) in enumerate(zip(operators, shops, strict=True), first_serial)]
    )


def spell_otherwise(rng: np.random.Generator, name: str) -> str:
    """Return a spelling variant of ``name``: one character in another form, else a blank inside."""
    places = [i for i, character in enumerate(name) if character in _OTHER_SPELLINGS]
    if not places or rng.random() < 0.2:
        return f"{name[0]}\u3000{name[1:]}"
    at = int(rng.choice(places))
    return name[:at] + _OTHER_SPELLINGS[name[at]] + name[at + 1 :]


def draw_other_name(rng: np.random.Generator, name: str) -> str:
    """Return a name of the same surname that is plainly another one."""
    while True:
        other = name[0] + "".join(rng.choice(_GIVEN, 2))
        if not set(other[1:]) & set(name[1:]):
            return other


def fits_gbk(text: str) -> bool:
    """Return whether ``text`` can be written in GBK.

    >>> fits_gbk("示范药房"), fits_gbk("𬭎")
    (True, False)
    """
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True
